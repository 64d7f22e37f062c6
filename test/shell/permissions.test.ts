import { describe, expect, it } from 'vitest';
import { mayUse } from '../../main/permissions';

const home = 'app://unpool/';
const question = { permission: 'media', page: `${home}index.html`, media: ['video'] };

describe('what pages may use', () => {
  it('the camera, from the window’s own pages', () => {
    expect(mayUse(question, home)).toBe(true);
    expect(mayUse({ ...question, page: 'app://unpool' }, home)).toBe(true);
  });

  it.each([
    { permission: 'geolocation' },
    { permission: 'notifications' },
    { permission: 'display-capture' },
    { media: ['audio'] },
    { media: ['video', 'audio'] },
    { media: [undefined] },
    { media: [] },
    { page: 'https://example.org/' },
    { page: 'app://unpool.example/' },
    { page: '' },
  ])('and nothing else: %j', (other) => expect(mayUse({ ...question, ...other }, home)).toBe(false));
});
