import { language, t } from '../i18n';

const steps = [
  { seconds: 60, unit: 'second' },
  { seconds: 3600, unit: 'minute' },
  { seconds: 86400, unit: 'hour' },
  { seconds: 86400 * 14, unit: 'day' },
] as const;
const length = { second: 1, minute: 60, hour: 3600, day: 86400 };

/** An ISO date to "3 hours ago" or, after two weeks, "4 March 2026". */
export function ago(iso: string, now = Date.now()): string {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return '';
  const seconds = Math.max(0, (now - then) / 1000);
  if (seconds < 45) return t('numbers.justNow');
  for (const { seconds: until, unit } of steps) {
    if (seconds < until)
      return new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' }).format(
        -Math.round(seconds / length[unit]),
        unit,
      );
  }
  return new Intl.DateTimeFormat(language.value === 'en' ? 'en-GB' : language.value, { dateStyle: 'long' }).format(
    then,
  );
}
