import { join } from 'node:path';
import { Shelf } from '../catalogue/shelf';
import type { Context, Group } from './context';

/** Networks that can be fetched; nothing is fetched but by `catalogue.get`. */
export function catalogueHandlers({ options }: Context): Group<'catalogue.list' | 'catalogue.get'> {
  const shelf = new Shelf({ folder: join(options.home, 'models') });
  return {
    'catalogue.list': () => shelf.list(),
    async 'catalogue.get'({ id, address }, { signal, item }) {
      return { path: await shelf.get(id, { address, signal, progress: item }) };
    },
  };
}
