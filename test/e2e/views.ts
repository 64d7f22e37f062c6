import type { Page } from 'playwright-core';

/** How to come to each view and panel of the window, from the demo study. */
export function views(demo: string): Record<string, (page: Page) => Promise<void>> {
  const study = `study=${encodeURIComponent(demo)}`;
  const go = (hash: string) => (page: Page) => page.evaluate((to) => void (location.hash = to), hash);
  const dialog = (page: Page): Promise<void> => page.getByRole('dialog').waitFor();
  const press = (key: string) => async (page: Page) => {
    await page.keyboard.press(key);
    await dialog(page);
  };
  return {
    units: async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
    },
    'the network as a graph': async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      // Another page of the same engine may have left it so.
      if ((await page.locator('.network').count()) === 0) await page.keyboard.press('l');
      await page.locator('.network .node.current').waitFor();
    },
    'units, reconstructions': async (page) => {
      await page.keyboard.press('b');
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
    },
    'units side by side': async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      for (const key of ['c', 'ArrowRight', 'c', 'Shift+C']) await page.keyboard.press(key);
      await page.waitForFunction(() => document.querySelectorAll('article .nine canvas').length === 36);
    },
    figure: async (page) => {
      await go(`#/figure?${study}`)(page);
      await page.waitForTimeout(1500);
    },
    'figure with a row': async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      await page.keyboard.press('f');
      await go(`#/figure?${study}`)(page);
      await page.waitForTimeout(3000);
    },
    'one picture': async (page) => {
      await go(`#/picture?${study}`)(page);
      await page.waitForFunction(() => document.querySelectorAll('aside figure canvas').length === 7);
      await page.locator('.stage').press('ArrowRight');
      await page.locator('button.unit').first().waitFor();
    },
    'a camera that is not there': async (page) => {
      await go(`#/picture?${study}`)(page);
      await page.getByRole('button', { name: 'Take a picture with the camera' }).click();
      await page.getByRole('alert').waitFor();
    },
    'filters of two networks': async (page) => {
      await go(`#/filters?${study}&other=${encodeURIComponent(`${demo}/checkpoints/epoch-01.onnx`)}`)(page);
      await page.getByText(/^cosine .* with that of epoch-01.onnx$/).waitFor();
    },
    home: async (page) => {
      await go('#/home')(page);
      await page.getByText('Recent studies').waitFor();
    },
    'new study': async (page) => {
      await go(
        `#/create?model=${encodeURIComponent(`${demo}/model.onnx`)}&pictures=${encodeURIComponent(`${demo}/pictures`)}`,
      )(page);
      await page.locator('.form').waitFor();
      await page.waitForTimeout(1000);
    },
    'a study that is not there': async (page) => {
      await go('#/units?study=%2Fnowhere')(page);
      await page.getByRole('alert').waitFor();
    },
    palette: press('Control+k'),
    keys: press('?'),
    'keys, with those of the graph': async (page) => {
      if ((await page.locator('.network').count()) === 0) await page.keyboard.press('l');
      await page.locator('.network .node.current').waitFor();
      await press('?')(page);
    },
    'rules of the way back': async (page) => {
      await press('Control+k')(page);
      await page.keyboard.type('rules');
      await page.getByRole('option', { name: /^Rules/ }).click();
      await page.getByRole('dialog').getByRole('table').waitFor();
    },
    settings: press('Control+,'),
    picture: async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      await press('Enter')(page);
      await page.waitForTimeout(800);
    },
    'close look, overlay on a signed scale': async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      await press('Enter')(page);
      await page.keyboard.press('4');
      await page.getByRole('dialog').getByText('Mean', { exact: true }).click();
      await page.waitForTimeout(800);
    },
    'close look, whole picture': async (page) => {
      await page.waitForFunction(() => document.querySelectorAll('.nine canvas').length === 18);
      await press('Enter')(page);
      await page.keyboard.press('5');
      await page.waitForTimeout(800);
    },
    'unit, to its end': async (page) => {
      await page
        .getByRole('button', { name: /correlation of the activations/ })
        .first()
        .waitFor();
      await page.locator('section[aria-label="Unit"]').evaluate((pane) => pane.scrollTo(0, 9999));
    },
    'way back': async (page) => {
      await page.getByRole('button', { name: /\d+ nodes/ }).click();
      await dialog(page);
    },
    catalogue: async (page) => {
      await go('#/home')(page);
      await page.getByRole('button', { name: 'Get a model' }).click();
      await dialog(page);
      await page.waitForTimeout(500);
    },
  };
}
