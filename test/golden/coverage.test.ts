import { format } from 'prettier';
import { expect, it } from 'vitest';
import { coverage } from './coverage';

/** Out of date? `npm run coverage-table` writes it anew. */
it(
  'docs/coverage.md says what the audits say',
  async () => {
    const page = await format(await coverage(), { parser: 'markdown', printWidth: 120 });
    await expect(page).toMatchFileSnapshot('../../docs/coverage.md');
  },
  10 * 60_000,
);
