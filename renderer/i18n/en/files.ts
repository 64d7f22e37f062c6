export const files = {
  where: 'On the machine that Unpool runs on.',
  above: 'Folder above',
  path: 'Path',
  empty: 'Nothing to choose here',
  reading: 'Reading the folder…',
  pictures: '{n} picture in this folder | {n} pictures in this folder',
  chooseModel: 'Choose the model',
  openStudy: 'Open the study',
  chooseNamed: 'Choose “{name}”',
  chooseThis: 'Choose this folder',
  study: 'study',
};
