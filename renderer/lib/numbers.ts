import { language, t } from '../i18n';

/** Numbers as the window writes them: three significant digits, groups and point of the language, narrow spaces before units, a true minus. */

/** Narrow no-break space: between a number and its unit. */
export const thin = '\u202f';
const minus = '\u2212';
const times = '\u00d7';
const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';

function signed(value: number, write: (magnitude: number) => string): string {
  return value < 0 ? minus + write(-value) : write(value);
}

const marks = { en: { group: ',', point: '.' }, ru: { group: '\u00a0', point: ',' } };

/** A number's own digits with the point of the language. */
function localised(digits: string): string {
  return digits.replace('.', marks[language.value].point);
}

function superscript(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => superscripts[Number(digit)]).join('');
  return (exponent < 0 ? '⁻' : '') + digits;
}

/** 1404 -> "1,404". */
export function count(value: number): string {
  return signed(Math.round(value), (magnitude) =>
    String(magnitude).replace(/\B(?=(\d{3})+$)/g, marks[language.value].group),
  );
}

/** Three significant digits: 5038.4 -> "5,038", 12.345 -> "12.3", 0.000123 -> "1.23 × 10⁻⁴". Not a number: a dash. */
export function figure(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value < 0 ? `${minus}∞` : '∞';
  if (value === 0) return '0';
  return signed(value, (magnitude) => {
    if (magnitude >= 1e7 || magnitude < 1e-3) {
      const [mantissa, exponent] = magnitude.toExponential(2).split('e');
      return `${localised(mantissa ?? '')}${thin}${times}${thin}10${superscript(Number(exponent))}`;
    }
    // Rounded first, so that 999.9 becomes "1,000" and not "1000".
    const rounded = Number(magnitude.toPrecision(3));
    return rounded >= 1000 ? count(magnitude) : localised(magnitude.toPrecision(3));
  });
}

/** For narrow places such as captions of tiles: 5038 -> "5.0k", 123456 -> "123k", 12.34 -> "12.3", 0.0001 -> "1e−4". */
export function compact(value: number): string {
  if (!Number.isFinite(value)) return figure(value);
  if (value === 0) return '0';
  return signed(value, (magnitude) => {
    for (const [unit, suffix] of [
      [1e9, t('numbers.short.billion')],
      [1e6, t('numbers.short.million')],
      [1e3, t('numbers.short.thousand')],
    ] as const) {
      if (Number(magnitude.toPrecision(3)) < unit) continue;
      const scaled = magnitude / unit;
      return localised(scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled))) + suffix;
    }
    if (magnitude < 1e-3) return magnitude.toExponential(0).replace('-', minus);
    return localised(magnitude.toPrecision(magnitude < 0.0995 ? 2 : 3));
  });
}

/** 0.314 -> "31 %". Small shares keep a digit; shares that only round to none or all say so. */
export function percent(share: number): string {
  const value = share * 100;
  if (Number.isNaN(value)) return '–';
  if (value > 0 && value < 0.1) return `<${thin}${localised('0.1')}${thin}%`;
  if (value < 100 && value > 99.9) return `>${thin}${localised('99.9')}${thin}%`;
  const digits = (value > 0 && value < 9.95) || (value > 99 && value < 100) ? 1 : 0;
  return `${localised(value.toFixed(digits))}${thin}%`;
}

/** With so many digits after the point, whatever its size: 0.8266 -> "0.83". */
export function decimals(value: number, digits: number): string {
  return Number.isFinite(value) ? signed(value, (magnitude) => localised(magnitude.toFixed(digits))) : figure(value);
}

/** [28, 28] -> "28 × 28": height by width, as the field writes maps. */
export function shape(size: readonly [number, number]): string {
  return `${size[0]}${thin}${times}${thin}${size[1]}`;
}

/** 99 -> "99 px". */
export function pixels(value: number): string {
  return `${value}${thin}${t('numbers.px')}`;
}

/** [227, 300] -> "227 × 300 px". */
export function area(size: readonly [number, number]): string {
  return `${shape(size)}${thin}${t('numbers.px')}`;
}

/** A receptive field: "99 px", "99 × 77 px" or "all" where a unit sees the whole picture. */
export function field(size: readonly [number, number] | null): string {
  if (size === null) return t('numbers.all');
  return size[0] === size[1] ? pixels(size[0]) : area(size);
}

/** 5018304 -> "5.0 MB". */
export function bytes(value: number): string {
  const units = ['b', 'kb', 'mb', 'gb', 'tb'] as const;
  let scaled = value;
  let step = 0;
  while (scaled >= 999.5 && step < units.length - 1) {
    scaled /= 1000;
    step++;
  }
  const digits = step > 0 && scaled < 9.95 ? scaled.toFixed(1) : String(Math.round(scaled));
  return `${localised(digits)}${thin}${t(`numbers.bytes.${units[step] ?? 'b'}`)}`;
}

/** Seconds to "7 s", "4 min", "2 h 10 min". */
export function duration(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))}${thin}${t('numbers.seconds')}`;
  const minutes = Math.round(seconds / 60);
  const written = (value: number): string => `${value}${thin}${t('numbers.minutes')}`;
  if (minutes < 60) return written(minutes);
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)}${thin}${t('numbers.hours')}${rest ? ` ${written(rest)}` : ''}`;
}

/** 480 -> "480 ms", 2100 -> "2 s". */
export function milliseconds(value: number): string {
  return value < 1000 ? `${Math.round(value)}${thin}${t('numbers.milliseconds')}` : duration(value / 1000);
}

/** Multiply-adds: 862000000 -> "862 M". */
export function macs(value: number): string {
  return compact(value).replace(/(\p{L})$/u, `${thin}$1`);
}
