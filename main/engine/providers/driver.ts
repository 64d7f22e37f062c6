import { readdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import path from 'node:path';

/**
 * What changes when a graphics driver does: the system's release, and the files by which a driver is found (not every system
 * has them). A provider that was tried is tried again then.
 */
export function driverMark(): string {
  const icds = [
    '/usr/share/vulkan/icd.d',
    '/etc/vulkan/icd.d',
    ...(process.env['VK_ICD_FILENAMES'] ?? '').split(path.delimiter).filter(Boolean),
  ];
  const windows = process.env['SystemRoot'] ?? '';
  return JSON.stringify([
    process.platform,
    process.arch,
    release(),
    text('/proc/driver/nvidia/version'),
    ...icds.map((each) => [each, names(each), changed(each)]),
    ...(windows ? [changed(path.join(windows, 'System32/DriverStore/FileRepository'))] : []),
    process.env['LD_LIBRARY_PATH'] ?? '',
  ]);
}

const orNull = <T>(work: () => T): T | null => {
  try {
    return work();
  } catch {
    return null; // not there
  }
};
const text = (file: string): string | null => orNull(() => readFileSync(file, 'utf8'));
const names = (folder: string): string[] | null => orNull(() => readdirSync(folder).sort());
const changed = (file: string): number | null => orNull(() => statSync(file).mtimeMs);
