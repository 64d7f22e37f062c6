/** Signs of units, behind a number. */
export const numbers = {
  all: 'all',
  px: 'px',
  seconds: 's',
  milliseconds: 'ms',
  minutes: 'min',
  hours: 'h',
  justNow: 'just now',
  bytes: { b: 'B', kb: 'kB', mb: 'MB', gb: 'GB', tb: 'TB' },
  short: { thousand: 'k', million: 'M', billion: 'G' },
};
