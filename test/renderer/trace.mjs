import { readFileSync } from 'node:fs';

const categories = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'blink.user_timing'];
const frame = 'measured frame';

/**
 * What the main thread of a page does while `act` runs. Each task with the time it took by the clock and on the processor
 * (ms): on a machine that does other things, too, the second is the window's own. `act` may mark frames (`perFrame`).
 */
export async function traced(browser, page, act) {
  await browser.startTracing(page, { categories });
  await page.evaluate(() => performance.mark('measured begin'));
  const result = await act();
  await page.evaluate(() => performance.mark('measured end'));
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const at = (name) => traceEvents.find((event) => event.name === name);
  const [begin, end] = [at('measured begin'), at('measured end')];
  const here = traceEvents.filter(({ pid, tid }) => pid === begin.pid && tid === begin.tid);
  const tasks = here
    .filter(({ name, ph, ts }) => name === 'RunTask' && ph === 'X' && ts >= begin.ts && ts <= end.ts)
    .sort((a, b) => a.ts - b.ts)
    .map(({ ts, dur, tdur }) => ({ ts, wall: dur / 1000, cpu: tdur / 1000 }));
  /** What a task mostly was, and how long after the beginning. */
  for (const task of tasks.filter(({ cpu }) => cpu > 50)) {
    const inside = here.filter(
      ({ name, ph, ts }) => ph === 'X' && name !== 'RunTask' && ts >= task.ts && ts < task.ts + 1000 * task.wall,
    );
    const longest = inside.toSorted((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0)).slice(0, 3);
    const said = longest.map(({ name, tdur = 0, args }) => {
      const { functionName = '', type = '' } = args?.data ?? {};
      return `${name} ${functionName}${type} ${(tdur / 1000).toFixed(0)}`;
    });
    task.was = `at ${((task.ts - begin.ts) / 1e6).toFixed(1)} s: ${said.join(', ')}`;
  }
  const marks = here.filter(({ name }) => name === frame).sort((a, b) => a.ts - b.ts);
  let next = 0;
  const frames = marks.slice(1).map((mark, i) => {
    const from = marks[i].ts;
    let cpu = 0;
    for (; next < tasks.length && tasks[next].ts < mark.ts; next++) if (tasks[next].ts >= from) cpu += tasks[next].cpu;
    return { wall: (mark.ts - from) / 1000, cpu };
  });
  return { tasks, frames, result };
}

/** In the page: does `step` in each of so many frames, and marks them. */
export function perFrame(page, steps, step, ...args) {
  return page.evaluate(
    `(async () => {
      const step = ${step};
      const args = ${JSON.stringify(args)};
      for (let at = 0; at <= ${steps}; at++) {
        step(at / ${steps}, ...args);
        await new Promise(requestAnimationFrame);
        performance.mark('${frame}');
      }
    })()`,
  );
}

const spread = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return `${at(0.5).toFixed(1)} / ${at(0.99).toFixed(1)} / ${at(1).toFixed(1)} ms`;
};
const say = (what, value) => console.log(`${what.padEnd(66)} ${value}`);

export function sayFrames(what, { frames }, limit = 50) {
  say(`${what}: a frame on the processor, median / 99 % / longest`, spread(frames.map(({ cpu }) => cpu)));
  say('  by the clock', spread(frames.map(({ wall }) => wall)));
  const over = (of) => frames.filter((each) => each[of] > limit).length;
  say(`  over ${limit} ms, on the processor / by the clock`, `${over('cpu')} / ${over('wall')} of ${frames.length}`);
}

export function sayTasks(what, { tasks }, limit = 100) {
  const most = (of) => Math.max(0, ...tasks.map((each) => each[of]));
  const over = (of) => tasks.filter((each) => each[of] > limit).length;
  say(`${what}: longest task, processor / clock`, `${most('cpu').toFixed(0)} / ${most('wall').toFixed(0)} ms`);
  say(`  over ${limit} ms`, `${over('cpu')} / ${over('wall')} of ${tasks.length}`);
  for (const { cpu, was } of tasks) if (cpu > limit) say(`  ${cpu.toFixed(0)} ms`, was);
}

/** Memory of a page once what is not needed is given up: objects, canvases in the document, and its whole process (MiB). */
export async function memoryOf(browser, page) {
  await page.evaluate(() => globalThis.gc?.());
  await page.waitForTimeout(400);
  const inPage = await page.evaluate(() => ({
    heap: performance.memory.usedJSHeapSize,
    canvases: [...document.querySelectorAll('canvas')].reduce((sum, { width, height }) => sum + 4 * width * height, 0),
    nodes: document.querySelectorAll('*').length,
  }));
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === 'renderer');
  const resident = renderers.map(({ id }) => {
    try {
      return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0; // not Linux, or the process has ended
    }
  });
  const mib = (bytes) => (bytes / 2 ** 20).toFixed(1);
  return `${mib(inPage.heap)} heap, ${mib(inPage.canvases)} canvases, ${mib(Math.max(...resident))} process, ${inPage.nodes} elements`;
}

export { say };
