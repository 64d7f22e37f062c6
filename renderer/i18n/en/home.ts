export const home = {
  title: 'See what every unit looks for',
  lead: 'Unpool runs a trained convolutional network over a folder of pictures and shows, for each unit of each layer, the nine inputs that excite it most, and beside each the deconvnet reconstruction of what in it did. Nothing leaves this machine.',
  newStudy: 'New study',
  openStudy: 'Open a study',
  getModel: 'Get a model',
  drop: 'Or drop a model, a folder of pictures or a study anywhere in this window.',
  demo: {
    open: 'Open the demo',
    about: 'A small trained network and its pictures, scanned and ready to look at.',
  },
  recent: {
    title: 'Recent studies',
    none: 'None yet. A study that you make or open is listed here.',
    missing: 'not there any more',
    forget: 'Forget {name}',
  },
};
