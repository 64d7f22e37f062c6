import { mountWindow } from '../../../renderer/mount';
import { fakeHost, type FakeOptions } from '../fake-host';

/** The window on the fake host; `?options={…}` says how it behaves. */
const options = JSON.parse(new URLSearchParams(location.search).get('options') ?? '{}') as FakeOptions;
const host = fakeHost({ delay: 6, ...options });
Object.assign(window, { fake: host });
mountWindow(host, '#app');
