/** Pinned versions of the servers and tools that this version of the project is tested with, and their sources. */
import { join } from 'node:path';
import { projectRoot } from '../../core/project.ts';

export type BinaryName = 'temporal' | 'temporal-server' | 'temporal-sql-tool' | 'minio' | 'versitygw' | 'kustomize';

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
  /** Variable that a user sets to use an existing server instead; absent for a tool. */
  readonly overrideVariable?: string;
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
  // Not part of the stack: what the images of infra/compose.yaml hold, for the test that starts its services.
  'temporal-server': {
    name: 'temporal-server',
    version: '1.31.2',
    goPackage: 'go.temporal.io/server/cmd/server',
    source: { module: join(projectRoot, 'infra', 'temporal') },
    goVersionMin: '1.26.4',
    packageCountAbout: 1700,
  },
  'temporal-sql-tool': {
    name: 'temporal-sql-tool',
    version: '1.31.2',
    goPackage: 'go.temporal.io/server/cmd/tools/sql',
    source: { module: join(projectRoot, 'infra', 'temporal') },
    goVersionMin: '1.26.4',
    packageCountAbout: 700,
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
  // Not part of the stack: the tests hold the store against a second S3 server (Apache-2.0).
  versitygw: {
    name: 'versitygw',
    version: '1.8.0',
    goPackage: 'github.com/versity/versitygw/cmd/versitygw',
    source: { goVersion: 'v1.8.0' },
    goVersionMin: '1.25.0',
    packageCountAbout: 500,
    overrideVariable: 'MTRL_S3_ENDPOINT',
  },
  // Renders infra/kubernetes for its check.
  kustomize: {
    name: 'kustomize',
    version: '5.8.1',
    goPackage: 'sigs.k8s.io/kustomize/kustomize/v5',
    source: { goVersion: 'v5.8.1' },
    goVersionMin: '1.24.0',
    packageCountAbout: 400,
  },
};
