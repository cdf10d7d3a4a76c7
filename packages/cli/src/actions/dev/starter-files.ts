/** What starter files are made for. */
export interface Starter {
  readonly name: string;
  /** Of Lovage. */
  readonly version: string;
  readonly docker?: boolean;
  readonly k8s?: boolean;
  readonly systemd?: boolean;
}

/** Starter files, by name. */
export function starterFiles({ name, version, docker, k8s, systemd }: Starter): Readonly<Record<string, string>> {
  return {
    'package.json': manifest(name, version),
    'tasks.ts': tasks(name),
    'producer.ts': producer,
    'tasks.test.ts': test,
    ...(docker ? { Dockerfile: dockerfile, '.dockerignore': 'node_modules\n', 'compose.yaml': compose } : {}),
    ...(k8s ? { 'worker.k8s.yaml': deployment(name) } : {}),
    ...(systemd ? { [`${name}-worker.service`]: unit(name) } : {}),
  };
}

function manifest(name: string, version: string): string {
  const scripts = {
    dev: 'lovage dev',
    worker: 'lovage worker',
    producer: 'tsx producer.ts',
    test: 'tsx --test tasks.test.ts',
  };
  const dependencies = { lovage: `^${version}`, tsx: '^4.20.0', zod: '^4.0.0' };
  const lovage = { app: './tasks.ts' };
  return `${JSON.stringify({ name, private: true, type: 'module', scripts, dependencies, lovage }, null, 2)}\n`;
}

const tasks = (name: string): string => `import { Lovage } from 'lovage';
import { z } from 'zod';

export const app = new Lovage('${name}');

/** A task: a name, what it takes, and what it does. */
export const greet = app.task(
  { name: 'greet', args: z.tuple([z.object({ name: z.string().min(1) })]), returns: z.string() },
  ({ name }) => \`hello \${name}\`,
);

/** One that is tried again, with a pause that grows, when it fails. */
export const visit = app.task({ name: 'visit', autoretryFor: [Error], maxRetries: 3, retryBackoff: true }, async (url: string) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(\`\${url} answered \${response.status}\`);
  return response.status;
});
`;

const producer = `import { app, greet } from './tasks.ts';

const result = await greet.delay({ name: 'world' }); // the broker has it now
console.log(await result.get({ timeout: '10s' }));
await app.close();
`;

const test = `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startWorker } from 'lovage/worker';
import { app, greet } from './tasks.ts';

after(() => app.close());

test('greets, in this process', async () => {
  assert.equal(await greet({ name: 'you' }), 'hello you');
});

test('greets, through a worker', async () => {
  await startWorker(app); // in memory, unless LOVAGE_BROKER_URL says otherwise
  assert.equal(await greet.call([{ name: 'you' }], { timeout: '10s' }), 'hello you');
});
`;

const dockerfile = `FROM node:22-slim
ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH
WORKDIR /app
COPY package*.json ./
RUN npm install --omit=dev --ignore-scripts
COPY . .
USER node
# Exec form, so that SIGTERM reaches the worker itself and it can finish what it runs.
CMD ["lovage", "worker", "--health-port", "8080", "--health-host", "0.0.0.0"]
`;

const compose = `services:
  redis:
    image: redis:7
    # Tasks are kept on disk, and none is evicted.
    command: redis-server --appendonly yes --maxmemory-policy noeviction
    volumes: ['redis:/data']
  worker:
    build: .
    environment: { LOVAGE_BROKER_URL: 'redis://redis:6379/0' }
    depends_on: [redis]
    stop_grace_period: 35s
    healthcheck:
      test: ['CMD', 'lovage', 'health', '--port', '8080']
      interval: 10s
volumes: { redis: {} }
`;

const deployment = (name: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}-worker
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name}-worker } }
  template:
    metadata:
      labels: { app: ${name}-worker }
      annotations: { prometheus.io/scrape: 'true', prometheus.io/port: '8080' }
    spec:
      terminationGracePeriodSeconds: 35 # the drain of 25 s, and 5 s to hand tasks back
      containers:
        - name: worker
          image: ${name}:latest
          args: ['lovage', 'worker', '--health-port', '8080', '--health-host', '0.0.0.0']
          env:
            - { name: LOVAGE_BROKER_URL, value: 'redis://redis:6379/0' }
          ports: [{ containerPort: 8080, name: health }]
          startupProbe: { httpGet: { path: /startupz, port: health }, failureThreshold: 30, periodSeconds: 2 }
          readinessProbe: { httpGet: { path: /readyz, port: health }, periodSeconds: 10 }
          livenessProbe: { httpGet: { path: /livez, port: health }, periodSeconds: 10 }
`;

const unit = (name: string): string => `[Unit]
Description=Lovage worker of ${name}
After=network-online.target

[Service]
WorkingDirectory=/srv/${name}
Environment=NODE_ENV=production LOVAGE_BROKER_URL=redis://127.0.0.1:6379/0
ExecStart=/srv/${name}/node_modules/.bin/lovage worker
Restart=always
RestartSec=2
# The drain of 25 s, and 5 s to hand tasks back.
TimeoutStopSec=35

[Install]
WantedBy=multi-user.target
`;
