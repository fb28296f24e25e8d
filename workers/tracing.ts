/**
 * OpenTelemetry traces across client, workflow, activity and engine, sent by OTLP/HTTP to `OTEL_EXPORTER_OTLP_ENDPOINT`
 * or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`; off if neither is set.
 */
import { type Attributes, type HrTime, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { OpenTelemetryActivityInboundInterceptor } from '@temporalio/interceptors-opentelemetry';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import { type Env, valueOf } from '../infra/stack/env.ts';
import type { Engine } from '../policy/engine.ts';
import type { SpanSinks, WorkflowSpan } from '../workflows/spans.ts';

export interface Tracing {
  readonly activity: ActivityInterceptorsFactory;
  /** Receives the workflows' spans; their interceptors are in the bundle (workflow-bundle.ts). */
  readonly sinks: InjectedSinks<SpanSinks>;
  /** Flushes pending spans. */
  close(): Promise<void>;
}

export function isTraced(env: Env = process.env): boolean {
  return ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'].some((name) => valueOf(env, name));
}

/** Returns undefined without a collector. Call it once per process. */
export function startTracing(service: string, env: Env = process.env): Tracing | undefined {
  if (!isTraced(env)) return undefined;
  const resource = new Resource({ 'service.name': `mtrl-${service}`, 'process.pid': process.pid });
  const spanProcessor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  // This also registers the W3C propagator, which reads an activity's parent from its headers.
  provider.register({ contextManager: new AsyncLocalStorageContextManager() });
  return {
    activity: (context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) }),
    sinks: {
      spans: {
        ended: {
          fn: ({ workflowId, runId }, span) => {
            const attributes = { temporalWorkflowId: workflowId, run_id: runId };
            spanProcessor.onEnd(readable(span, attributes, resource));
          },
        },
      },
    },
    close: () => provider.shutdown(),
  };
}

function readable(span: WorkflowSpan, attributes: Attributes, resource: Resource): ReadableSpan {
  const { name, traceId, spanId, parentSpanId, startedAtMs, endedAtMs, failure } = span;
  const context = { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
  return {
    name,
    kind: SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parentSpanId !== undefined && { parentSpanId }),
    startTime: timeOf(startedAtMs),
    endTime: timeOf(endedAtMs),
    duration: timeOf(endedAtMs - startedAtMs),
    status: failure === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failure },
    attributes,
    resource,
    instrumentationLibrary: { name: 'mtrl-workflow' },
    links: [],
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function timeOf(ms: number): HrTime {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)];
}

type Verb = {
  [K in keyof Engine]: Engine[K] extends (...args: never[]) => Promise<unknown> ? K : never;
}[keyof Engine];

/** The methods that take time: each call is a child of its activity's span. */
const tracedVerbs: readonly Verb[] = [
  'loadState',
  'initialize',
  'saveState',
  'sample',
  'forward',
  'forwardBackward',
  'optimStep',
];

/** Wraps the traced methods of the engine in place, and returns the engine. */
export function tracedEngine<E extends Engine>(engine: E): E {
  const tracer = trace.getTracer('mtrl-engine');
  for (const verb of tracedVerbs) {
    const call = (engine[verb] as (...args: unknown[]) => Promise<unknown>).bind(engine);
    const traced = (...args: unknown[]): Promise<unknown> =>
      tracer.startActiveSpan(`engine ${verb}`, async (span) => {
        try {
          return await call(...args);
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) });
          throw error;
        } finally {
          span.end();
        }
      });
    Object.assign(engine, { [verb]: traced });
  }
  return engine;
}
