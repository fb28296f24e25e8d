/**
 * The manifests of infra/kubernetes, as files: names, probes, ports and variables are those of the code. They are not
 * rendered here.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { addressOf } from '../../infra/stack/env.ts';
import { readSettings } from '../../infra/stack/settings.ts';
import { servingSettings } from '../../workers/serving-settings.ts';
import { expectNone } from '../support/expect-none.ts';
import { projectFiles, textOf } from '../support/source-files.ts';

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}
interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom: readonly unknown[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly resources: { readonly requests?: Readonly<Record<string, string>> };
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata?: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number;
        readonly containers: readonly Container[];
        readonly volumes?: readonly { readonly name: string }[];
      };
    };
  };
}
interface ScaledObject {
  readonly spec: {
    readonly scaleTargetRef: { readonly name: string };
    readonly minReplicaCount: number;
    readonly triggers: readonly { readonly type: string; readonly metadata: Readonly<Record<string, string>> }[];
  };
}
interface Kustomization {
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly patches?: readonly { readonly path?: string; readonly target: { readonly name: string } }[];
  readonly images?: readonly { readonly name: string }[];
}

const folder = join(projectRoot, 'infra', 'kubernetes');
const read = (path: string): string => readFileSync(join(folder, path), 'utf8');
const kustomizationOf = (part: string): Kustomization => parse(read(`${part}/kustomization.yaml`)) as Kustomization;
const parts = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

const base = (kustomizationOf('base').resources ?? []).flatMap((path) =>
  parseAllDocuments(read(`base/${path}`)).map((document) => document.toJS() as Manifest),
);
const named = (kind: string, name: string): Manifest =>
  required(
    base.find((one) => one.kind === kind && one.metadata.name === name),
    `${kind} ${name}`,
  );
const settings = named('ConfigMap', 'mtrl-settings').data ?? {};
const podOf = (manifest: Manifest) => required(manifest.spec?.template, 'a pod');
const containerOf = (manifest: Manifest): Container => required(podOf(manifest).spec.containers[0], 'a container');
const workers = ['control', 'compute'].map((name) => [name, named('Deployment', `mtrl-${name}`)] as const);
const gpu = parse(read('gpu/compute.yaml')) as Manifest;
const dockerfile = readFileSync(join(projectRoot, 'infra', 'Dockerfile'), 'utf8');

describe('infra/kubernetes', () => {
  it('has a kustomization in every folder, and each names files and parts that exist', () => {
    expect(parts.toSorted()).toEqual(['autoscaling', 'base', 'example', 'gpu']);
    const missing = parts.flatMap((part) => {
      const { resources = [], components = [], patches = [] } = kustomizationOf(part);
      const paths = [...resources, ...components, ...patches.flatMap(({ path }) => path ?? [])];
      return paths.filter((path) => !existsSync(join(folder, part, path))).map((path) => `${part}/${path}`);
    });
    expectNone(missing);
  });

  it('patches and scales manifests of the base', () => {
    const names = base.map(({ metadata }) => metadata.name);
    const targets = parts.flatMap((part) => (kustomizationOf(part).patches ?? []).map(({ target }) => target.name));
    const { spec } = parse(read('autoscaling/compute.yaml')) as ScaledObject;
    for (const name of [...targets, spec.scaleTargetRef.name]) expect(names).toContain(name);
  });

  it('runs the programs of the image, with settings that the code reads', () => {
    const sources = [...projectFiles('infra'), ...projectFiles('workers'), ...projectFiles('policy')].map(textOf);
    const all = [named('Job', 'mtrl-prepare'), ...workers.map(([, manifest]) => manifest)];
    const own = [...all, gpu].flatMap((manifest) => containerOf(manifest).env ?? []).map(({ name }) => name);
    for (const variable of new Set([...Object.keys(settings), ...own].filter((name) => name.startsWith('MTRL_'))))
      expect(
        sources.some((source) => source.includes(`'${variable}'`)),
        variable,
      ).toBe(true);
    for (const manifest of all) {
      const { image, args, envFrom } = containerOf(manifest);
      expect(kustomizationOf('base').images?.map(({ name }) => name)).toContain(image);
      const source = required(args[0], 'a program')
        .replace(/^dist\//, '')
        .replace(/\.js$/, '.ts');
      expect(existsSync(join(projectRoot, source)), source).toBe(true);
      expect(envFrom).toEqual([
        { configMapRef: { name: 'mtrl-settings' } },
        { secretRef: { name: 'mtrl-credentials' } },
      ]);
    }
  });

  it('is understood by the workers, with the credentials of the secret', () => {
    const secret = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
    const { temporal, s3, taskQueues } = readSettings({ env: { ...settings, ...secret }, home: join(folder, 'none') });
    expect(temporal.address).toBe(settings['TEMPORAL_ADDRESS']);
    expect(s3).toMatchObject({ endpoint: settings['MTRL_S3_ENDPOINT'], bucket: settings['MTRL_S3_BUCKET'] });
    const { spec } = parse(read('autoscaling/compute.yaml')) as ScaledObject;
    expect(spec.triggers).toMatchObject([
      {
        type: 'temporal',
        metadata: {
          ...{ endpointFromEnv: 'TEMPORAL_ADDRESS', namespace: temporal.namespace },
          ...{ taskQueue: taskQueues.compute, queueTypes: 'activity' },
        },
      },
    ]);
    // The backlog does not count the activity in progress.
    expect(spec.minReplicaCount).toBeGreaterThan(0);
  });

  it.each(workers)('probes, drains and exposes the %s worker as it serves', (_, manifest) => {
    const { livenessProbe, readinessProbe, startupProbe, ports = [], env = [], resources } = containerOf(manifest);
    const own = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const serving = servingSettings({ ...settings, ...own });
    const portOf = (name: string): number | undefined => ports.find((port) => port.name === name)?.containerPort;
    expect(portOf('health')).toBe(serving.health?.port);
    expect(portOf('metrics')).toBe(addressOf(settings, 'MTRL_METRICS_ADDRESS')?.port);
    expect(dockerfile).toContain(`\nEXPOSE ${String(portOf('metrics'))} ${String(portOf('health'))}\n`);
    expect([startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet)).toEqual([
      { path: '/livez', port: 'health' },
      { path: '/livez', port: 'health' },
      { path: '/readyz', port: 'health' },
    ]);
    // The drain, five seconds to stop what is left, and a margin.
    const { terminationGracePeriodSeconds: graceSeconds = 0 } = podOf(manifest).spec;
    expect(graceSeconds * 1000).toBeGreaterThanOrEqual(serving.drainTimeoutMs + 5_000);
    expect(resources.requests).toHaveProperty('memory');
  });

  it('selects the pods of its deployments, and mounts the volumes that they have', () => {
    for (const [, manifest] of workers) {
      const pod = podOf(manifest);
      expect(pod.metadata?.labels).toMatchObject(manifest.spec?.selector?.matchLabels ?? {});
      const home = containerOf(manifest).volumeMounts?.find(({ name }) => name === 'home');
      expect(pod.spec.volumes?.map(({ name }) => name)).toContain('home');
      expect(dockerfile).toContain(`MTRL_HOME=${home?.mountPath ?? '?'} `);
    }
    const { selector } = named('PodDisruptionBudget', 'mtrl-control').spec ?? {};
    expect(podOf(named('Deployment', 'mtrl-control')).metadata?.labels).toMatchObject(selector?.matchLabels ?? {});
  });

  it('holds no secrets', () => {
    for (const part of parts)
      for (const file of readdirSync(join(folder, part)))
        expect(read(`${part}/${file}`), file).not.toMatch(/kind: Secret$|secretGenerator|SECRET_ACCESS_KEY/m);
  });
});
