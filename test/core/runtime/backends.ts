import { loadTfjs, tfjsBackends } from '../../../main/engine/tfjs';

/** Every backend of TensorFlow.js, or why it does not load. Only the native one may be missing: its addon is an optional download. */
export const backendsToTest = await Promise.all(
  tfjsBackends.map(async (backend) => {
    try {
      return { backend, runtime: await loadTfjs(backend, 1), title: backend as string };
    } catch (error) {
      const why = (error as Error).message.split('\n')[0]!;
      if (backend !== 'node' || process.env['UNPOOL_TEST_ALL'] === '1')
        throw new Error(`TensorFlow.js, backend ${backend}: ${why}`, { cause: error });
      return { backend, runtime: null, title: `${backend}, skipped: ${why}` };
    }
  }),
);
