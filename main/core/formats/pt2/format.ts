import type { Format } from '../format';
import { pt2Kind } from './archive';
import { readPt2 } from './read';

/** An archive of torch.export.save: a graph of ATen operations, read without running anything. */
export const pt2: Format = {
  id: 'pt2',
  label: 'PyTorch export archive',
  extensions: ['pt2'],
  probe: (bytes) => pt2Kind(bytes) !== null,
  read: (bytes) => readPt2(bytes),
};
