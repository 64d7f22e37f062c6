// A process that is tried as a provider: what becomes of it is said by UNPOOL_TEST_TRIAL. Asked as the processor it answers.
const answers = (off) => ({
  milliseconds: 2,
  values: [
    { name: 'whole places', tolerance: 0, data: Float32Array.of(3, 0, 7) },
    { name: 'real signal', tolerance: 1e-3, data: Float32Array.of(1, -2 + off, 0.5) },
  ],
});
const send = (message) => process.send(message, () => process.exit(0));

process.once('message', ({ provider }) => {
  const mode = provider === null ? 'processor' : process.env.UNPOOL_TEST_TRIAL;
  if (mode === 'crashes') process.kill(process.pid, 'SIGSEGV');
  else if (mode === 'hangs') for (;;);
  else if (mode === 'fails') send({ error: 'No adapter was found.\nMore words.' });
  else if (mode === 'differs') send({ answers: answers(0.01) });
  else if (mode === 'ties') {
    const other = answers(0);
    other.values[0].data[1] = 1;
    send({ answers: other });
  } else if (mode === 'nothing') {
    const other = answers(0);
    other.values[1].data[0] = NaN;
    send({ answers: other });
  } else send({ answers: answers(mode === 'processor' ? 0 : 1e-6) });
});
