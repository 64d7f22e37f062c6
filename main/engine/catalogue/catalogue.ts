import raw from '../../../assets/catalogue.json';
import type { Told } from '../../core/preprocess/config';

/** A network that is known by its SHA-256; assets/catalogue.json holds them. */
export interface CatalogueEntry {
  id: string;
  name: string;
  file: string;
  bytes: number;
  sha256: string;
  licence: string;
  note: string;
  address: string;
  labels: string;
  /** [height, width] that it was trained on. */
  size: [number, number];
  preprocessing: Told['numbers'] & { shorter: number };
}

export const catalogueNote = raw.note;
export const catalogueEntries = raw.models as CatalogueEntry[];

export const catalogueEntry = (sha256: string): CatalogueEntry | undefined =>
  catalogueEntries.find((entry) => entry.sha256 === sha256);
