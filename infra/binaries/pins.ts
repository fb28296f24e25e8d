/** Pinned versions of the servers that this version of the project is tested with, and their sources. */
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';

export type BinaryName = 'temporal' | 'minio';

export interface Pin {
  readonly name: BinaryName;
  /** Part of the cache key. */
  readonly version: string;
  /** The Go package of the program. */
  readonly goPackage: string;
  /**
   * `module`: built in this folder, whose go.mod and go.sum pin everything. `goVersion`: `go install
   * package@goVersion`.
   */
  readonly source: { readonly module: string } | { readonly goVersion: string };
  /** Go version that its go.mod requires; an older Go (1.21 and up) downloads it. */
  readonly goVersionMin: string;
  /** For the progress line only. */
  readonly packageCountAbout: number;
  /** Variable that a user sets to use an existing server instead. */
  readonly overrideVariable: string;
}

export const pins: Record<BinaryName, Pin> = {
  temporal: {
    name: 'temporal',
    version: '1.8.2',
    goPackage: 'github.com/temporalio/cli/cmd/temporal',
    source: { module: join(projectRoot, 'infra', 'temporal') },
    goVersionMin: '1.26.4',
    packageCountAbout: 1700,
    overrideVariable: 'TEMPORAL_ADDRESS',
  },
  // The repository is archived; this is its last state. The server runs unmodified, as a separate process (AGPL-3.0).
  minio: {
    name: 'minio',
    version: '2026-02-12',
    goPackage: 'github.com/minio/minio',
    source: { goVersion: 'v0.0.0-20260212201848-7aac2a2c5b7c' },
    goVersionMin: '1.24.8',
    packageCountAbout: 1030,
    overrideVariable: 'MTRL_S3_ENDPOINT',
  },
};
