import '@fontsource-variable/inter';
import { createPinia } from 'pinia';
import { createApp, type App as VueApp } from 'vue';
import App from './App.vue';
import { setHost, type Host } from './host/host';
import { useLook } from './stores/look';
import { useNotices } from './stores/notices';
import './styles/tokens.css';
import './styles/base.css';

/** Starts the window on a host. */
export function mountWindow(host: Host, element: string | Element): VueApp {
  setHost(host);
  const app = createApp(App);
  app.use(createPinia());
  // Theme and language before anything is drawn.
  useLook();
  app.config.errorHandler = (error) => {
    console.error(error);
    useNotices().fail(error);
  };
  addEventListener('unhandledrejection', (event) => useNotices().fail(event.reason));
  app.mount(element);
  return app;
}
