import { t } from '../../i18n';
import type { ErrorInfo } from '../../../preload/contract';

/** Turns the camera on. Throws what the browser throws, and a NotSupportedError where a page may not have one at all. */
export async function startCamera(): Promise<MediaStream> {
  // Not there on pages that are not secure, whatever its type says.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) throw new DOMException('', 'NotSupportedError');
  return devices.getUserMedia({ audio: false, video: { width: { ideal: 1280 }, height: { ideal: 960 } } });
}

export function stopCamera(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** What is on the screen now, as a picture file. */
export async function takeFrame(video: HTMLVideoElement): Promise<File> {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext('2d')!.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new DOMException('', 'NotReadableError');
  return new File([blob], `${t('picture.camera.file')}.png`, { type: blob.type });
}

/** What went wrong, in words. */
export function cameraError(thrown: unknown): ErrorInfo {
  const name = thrown instanceof DOMException ? thrown.name : '';
  const known = {
    NotAllowedError: 'refused',
    SecurityError: 'refused',
    NotFoundError: 'none',
    OverconstrainedError: 'none',
    NotReadableError: 'busy',
    AbortError: 'busy',
    NotSupportedError: 'insecure',
  } as const;
  const what = known[name as keyof typeof known];
  if (!what) return { code: 'camera', message: t('picture.camera.failed', { reason: String(thrown) }), defect: true };
  return {
    code: `camera-${what}`,
    message: t(`picture.camera.${what}.message`),
    hint: t(`picture.camera.${what}.hint`),
  };
}
