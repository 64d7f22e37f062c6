import type { ErrorInfo } from '../../../preload/contract';
import { UnpoolError } from '../../core/errors';

/** An error in words, for a state that is kept or shown. What was not foreseen is marked as a defect. */
export function errorInfo(error: unknown): ErrorInfo {
  if (error instanceof UnpoolError) {
    const { code, message, hint, place } = error;
    return { code, message, ...(hint && { hint }), ...(Object.keys(place).length > 0 && { place }) };
  }
  return {
    code: 'defect',
    message: error instanceof Error ? error.message : String(error),
    defect: true,
    detail: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}
