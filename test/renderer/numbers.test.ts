import { describe, expect, it } from 'vitest';
import { bytes, compact, count, duration, field, figure, macs, percent, shape } from '../../renderer/lib/numbers';
import { ago } from '../../renderer/lib/time';

describe('numbers', () => {
  it.each([
    [5038.4, '5,038'],
    [999.96, '1,000'],
    [12.345, '12.3'],
    [0.5, '0.500'],
    [-0.0123, '−0.0123'],
    [0, '0'],
    [0.000123, '1.23\u202f×\u202f10⁻⁴'],
    [123456789, '1.23\u202f×\u202f10⁸'],
    [NaN, '–'],
    [-Infinity, '−∞'],
  ])('writes %d in full as %s', (value, text) => expect(figure(value)).toBe(text));

  it.each([
    [5038, '5.0k'],
    [999.6, '1.0k'],
    [9960, '10k'],
    [123456, '123k'],
    [1.5e6, '1.5M'],
    [142.4, '142'],
    [12.34, '12.3'],
    [0.05, '0.050'],
    [-7300, '−7.3k'],
    [0.00012, '1e−4'],
  ])('writes %d in a tile as %s', (value, text) => expect(compact(value)).toBe(text));

  it('never writes a share as none or all that is neither', () => {
    expect(percent(0.314)).toBe('31\u202f%');
    expect(percent(0.0004)).toBe('<\u202f0.1\u202f%');
    expect(percent(0.99999)).toBe('>\u202f99.9\u202f%');
    expect(percent(0)).toBe('0\u202f%');
    expect(percent(1)).toBe('100\u202f%');
    expect(percent(0.034)).toBe('3.4\u202f%');
  });

  it('writes measures', () => {
    expect(count(1234567)).toBe('1,234,567');
    expect(shape([28, 14])).toBe('28\u202f×\u202f14');
    expect(field([99, 99])).toBe('99\u202fpx');
    expect(field([99, 7])).toBe('99\u202f×\u202f7\u202fpx');
    expect(field(null)).toBe('all');
    expect(bytes(4_956_208)).toBe('5.0\u202fMB');
    expect(bytes(999_999)).toBe('1.0\u202fMB');
    expect(duration(7.3)).toBe('7\u202fs');
    expect(duration(59.7)).toBe('1\u202fmin');
    expect(duration(7800)).toBe('2\u202fh 10\u202fmin');
    expect(macs(8.62e8)).toBe('862\u202fM');
  });

  it('three digits are enough to tell numbers of any size apart', () => {
    for (let exponent = -12; exponent < 12; exponent++) {
      const value = 1.23456 * 10 ** exponent;
      const plain = figure(value)
        .replaceAll(',', '')
        .replace(/\u202f×\u202f10/, 'e')
        .replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]/g, (sign) => (sign === '⁻' ? '-' : String('⁰¹²³⁴⁵⁶⁷⁸⁹'.indexOf(sign))));
      expect(Math.abs(Number(plain) / value - 1)).toBeLessThan(0.005);
    }
  });

  it('tells how long ago', () => {
    const now = Date.parse('2026-11-24T12:00:00Z');
    expect(ago('2026-11-24T11:59:40Z', now)).toBe('just now');
    expect(ago('2026-11-24T09:00:00Z', now)).toBe('3 hours ago');
    expect(ago('2026-11-23T11:00:00Z', now)).toBe('yesterday');
    expect(ago('2026-03-04T11:00:00Z', now)).toBe('4 March 2026');
    expect(ago('never', now)).toBe('');
  });
});
