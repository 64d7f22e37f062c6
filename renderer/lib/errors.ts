import { t } from '../i18n';
import type { ErrorInfo } from '../../preload/contract';

/** Whether an error only says that work was cancelled: never shown. */
export function isCancelled(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted) return true;
  if (!(error instanceof Error)) return false;
  if (error.name === 'AbortError' || error.name === 'CancelledError') return true;
  return (error as Error & { info?: ErrorInfo }).info?.code === 'cancelled';
}

/** Whether the engine went away under a call. The window's banner says so; whoever asked asks again when it is back. */
export function isEngineGone(error: unknown): boolean {
  return error instanceof Error && (error as Error & { info?: ErrorInfo }).info?.code === 'engine-gone';
}

/** What to show for anything thrown: the engine's own words where it sent them, else a defect with its stack. */
export function toErrorInfo(error: unknown): ErrorInfo {
  if (error instanceof Error) {
    const info = (error as Error & { info?: ErrorInfo }).info;
    if (info) return info;
    return {
      code: 'defect',
      message: error.message || t('common.error.window'),
      hint: t('common.error.report'),
      defect: true,
      ...(error.stack ? { detail: error.stack } : {}),
    };
  }
  return { code: 'defect', message: String(error), defect: true };
}

/** Everything that a report needs, as plain text. */
export function errorReport(info: ErrorInfo): string {
  const place = Object.entries(info.place ?? {}).map(([key, value]) => `${key}: ${value}`);
  return [`${info.code}: ${info.message}`, info.hint, ...place, info.detail].filter(Boolean).join('\n');
}
