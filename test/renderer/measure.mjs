// How quick the window is, on the fake host: node test/renderer/measure.mjs
// Build it first: npx vite build -c test/renderer/dev/vite.config.ts
import { chromium } from 'playwright-core';
import { serveFolder } from './served.mjs';

const { address, close } = await serveFolder('dist/renderer-fake');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--enable-precise-memory-info', '--js-flags=--expose-gc'],
});
const hash = '#/units?study=%2Fstudies%2Fgrocery&layer=conv3&unit=175';
const open = async (options = {}) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(`${address}/?options=${encodeURIComponent(JSON.stringify({ delay: 0, ...options }))}${hash}`);
  await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
  await page.waitForTimeout(1500);
  return page;
};
const say = (what, value) => console.log(`${what.padEnd(64)} ${value}`);

{
  const page = await open();
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
  say('first contentful paint', `${paint.toFixed(0)} ms`);

  // A screen a frame's worth at a time, through all 4,096 units.
  const frames = await page.evaluate(async () => {
    const scroller = document.querySelector('.tile-scroller');
    const times = [];
    let last = performance.now();
    const steps = 400;
    for (let step = 0; step <= steps; step++) {
      scroller.scrollTop = ((scroller.scrollHeight - scroller.clientHeight) * step) / steps;
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      times.push(now - last);
      last = now;
    }
    return times.slice(1).sort((a, b) => a - b);
  });
  const at = (share) => frames[Math.min(frames.length - 1, Math.floor(frames.length * share))].toFixed(1);
  say('scrolling 4,096 units: frame, median / 99 % / longest', `${at(0.5)} / ${at(0.99)} / ${at(1)} ms`);
  say('  frames over 50 ms', `${frames.filter((time) => time > 50).length} of ${frames.length}`);
  await page.close();
}
{
  const page = await open();
  const heap = async () => {
    await page.evaluate(() => globalThis.gc?.());
    await page.waitForTimeout(300);
    return page.evaluate(() => performance.memory.usedJSHeapSize / 2 ** 20);
  };
  const sizes = [];
  for (let visited = 0; visited <= 1000; visited++) {
    if (visited % 250 === 0) sizes.push(await heap());
    await page.keyboard.press('ArrowRight');
    await page.waitForTimeout(visited % 5 === 0 ? 60 : 5);
  }
  say('heap after 0, 250, 500, 750, 1,000 units', `${sizes.map((size) => size.toFixed(1)).join(', ')} MiB`);
  await page.close();
}
{
  const page = await open({
    study: { scan: { phase: 'running', done: 1, total: 1404, rate: 60, left: 20, broken: 0, error: null } },
  });
  const tasks = await page.evaluate(async () => {
    const long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({
      entryTypes: ['longtask'],
    });
    for (let done = 0; done < 100; done++) {
      globalThis.fake.emit('scan.progress', {
        study: '/studies/grocery',
        scan: { phase: 'running', done: done * 14, total: 1404, rate: 60, left: 20, broken: 0, error: null },
      });
      if (done % 10 === 0) globalThis.fake.emit('study.changed', { study: '/studies/grocery' });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return long.sort((a, b) => b - a);
  });
  say('while a scan runs (10 s): tasks over 50 ms, longest', `${tasks.length}, ${(tasks[0] ?? 0).toFixed(0)} ms`);
  await page.close();
}
await browser.close();
close();
