// Loaded before the engine (node --require), in its threads too: collects what is garbage when it gets SIGUSR2.
const { BroadcastChannel, isMainThread } = require('node:worker_threads');
require('node:v8').setFlagsFromString('--expose-gc');
const collect = require('node:vm').runInNewContext('gc');

const channel = new BroadcastChannel('collect');
channel.onmessage = () => collect();
channel.unref();
if (isMainThread)
  process.on('SIGUSR2', () => {
    channel.postMessage(null);
    collect();
  });
