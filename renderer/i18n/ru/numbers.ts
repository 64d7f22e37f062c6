export const numbers = {
  all: 'всё',
  px: 'пкс',
  seconds: 'с',
  milliseconds: 'мс',
  minutes: 'мин',
  hours: 'ч',
  justNow: 'только что',
  bytes: { b: 'Б', kb: 'кБ', mb: 'МБ', gb: 'ГБ', tb: 'ТБ' },
  short: { thousand: 'к', million: 'М', billion: 'Г' },
};
