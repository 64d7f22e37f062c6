/** The exit code of an engine that asks to be started again: what it runs on was chosen anew. */
export const restartCode = 75;

export const restartMessage = 'It starts again with the runtime that was chosen. A scan that ran is paused.';
