import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Cores that a control group may use, by cgroup version 2 or 1; null: no limit is set. Not every system has these files. */
function quota(): number | null {
  const words = (file: string): number[] => {
    try {
      return readFileSync(file, 'utf8').trim().split(/\s+/).map(Number);
    } catch {
      return [];
    }
  };
  const [limit, period] = words('/sys/fs/cgroup/cpu.max');
  if (limit && period) return limit / period;
  const [allowed] = words('/sys/fs/cgroup/cpu/cpu.cfs_quota_us');
  const [every] = words('/sys/fs/cgroup/cpu/cpu.cfs_period_us');
  return allowed && every && allowed > 0 ? allowed / every : null;
}

/**
 * Cores that this process may use: those that the scheduler gives it (a Slurm task's own, not the machine's), no more than its
 * control group's share, or as many as UNPOOL_THREADS says.
 */
export function usableCores(): number {
  const asked = Number(process.env['UNPOOL_THREADS']);
  if (Number.isInteger(asked) && asked > 0) return asked;
  return Math.max(1, Math.min(availableParallelism(), Math.floor(quota() ?? Infinity)));
}
