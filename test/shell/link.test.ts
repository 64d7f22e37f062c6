import { expect, it } from 'vitest';
import { hashOfLink, linkOfHash } from '../../preload/link';
import { fromHash } from '../../renderer/lib/route';

it('a place in the window becomes a link and the same place again', () => {
  const hash = '#/units?study=%2Fstudies%2Fa+%26+b&layer=fire5%2Fexpand3x3&unit=175&method=guided';
  const link = linkOfHash(hash);
  expect(link).toMatch(/^unpool:\/\/units\?/);
  expect(fromHash(hashOfLink(link)!)).toEqual(fromHash(hash));
  // Windows adds a slash where a link has no path.
  expect(fromHash(hashOfLink(link.replace('units?', 'units/?'))!)).toEqual(fromHash(hash));
  expect(hashOfLink(linkOfHash('#/home'))).toBe('#/home');
  expect(fromHash(hashOfLink('unpool://units?study=C:%5Cstudies%5Cone')!).study).toBe('C:\\studies\\one');
});

it.each([
  'https://example.org/#/units',
  'javascript:alert(1)',
  'unpool://create?model=%2Fm.onnx',
  'unpool:///../../etc/passwd',
  'unpool://user@units',
  'unpool://units:80/',
  'unpool://units/more',
  'unpool://units?study=%5C%5Cserver%5Cshare',
  'unpool://units?study=%2F%2Fserver%2Fshare',
  'unpool://units?study=relative',
  'unpool://un%0aits',
  'unpool://units\n?study=x',
  `unpool://units?layer=${'x'.repeat(5000)}`,
  'unpool:',
  '',
])('is refused as a link: %s', (link) => {
  expect(hashOfLink(link)).toBeNull();
});

it('a link cannot name files for a form', () => {
  expect(hashOfLink('unpool://units?study=%2Fs&model=%2Fm.onnx&pictures=%2Fp')).toBe('#/units?study=%2Fs');
});
