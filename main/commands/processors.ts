import { wordsOf } from '../engine/providers/list';
import { interrupted, interruptible, line, print, unlessStopped, withEngine } from './shared';

/** Tries ONNX Runtime's providers and tells what was found. */
export function processors(options: { json?: boolean }): Promise<number> {
  return withEngine(async (client) => {
    const signal = interruptible();
    const onItem = ({ label, done, total }: { label: string; done: number; total: number }): void =>
      line(`Trying ${label} (${done + 1} of ${total}) …`);
    const states = await unlessStopped(signal, client.call('providers.try', {}, { signal, onItem }));
    line('');
    if (!states) return interrupted;
    if (options.json) print(JSON.stringify(states, null, 2));
    else
      for (const each of states) {
        const { milliseconds: ms } = each;
        const times = ms
          ? `; a small network takes ${round(ms.provider)} ms, the processor ${round(ms.processor)} ms`
          : '';
        print(`${each.label.padEnd(9)} ${each.id.padEnd(9)} ${wordsOf(each)}${times}`);
      }
    return 0;
  });
}

const round = (milliseconds: number): string => milliseconds.toPrecision(2);
