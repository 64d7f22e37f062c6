/** Words that several features share. */
export const common = {
  cancel: 'Cancel',
  close: 'Close',
  copied: 'Copied',
  home: 'Home',
  retry: 'Try again',
  pictures: '{n} picture | {n} pictures',
  classes: '{n} class | {n} classes',
  units: '{n} unit | {n} units',
  layers: '{n} layer | {n} layers',
};
