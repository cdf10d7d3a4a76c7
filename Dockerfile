# The example worker and producer of docker-compose.yml; a model for your own. Node's major version is pinned, not its patch.
FROM node:22-slim AS build
WORKDIR /app
# The manifests alone first: this layer is built again only when a dependency changes.
COPY package.json package-lock.json ./
COPY packages/core/package.json packages/core/
COPY packages/redis/package.json packages/redis/
COPY packages/cli/package.json packages/cli/
COPY packages/celery/package.json packages/celery/
COPY packages/postgres/package.json packages/postgres/
COPY packages/dashboard/package.json packages/dashboard/
COPY packages/opentelemetry/package.json packages/opentelemetry/
COPY packages/connect/package.json packages/connect/
COPY packages/lovage/package.json packages/lovage/
COPY packages/bench/package.json packages/bench/
COPY packages/chaos/package.json packages/chaos/
COPY examples/package.json examples/
RUN npm ci --ignore-scripts
COPY tsconfig.json turbo.json ./
COPY scripts scripts
COPY packages packages
COPY examples examples
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:22-slim AS runtime
ENV NODE_ENV=production PATH=/app/node_modules/.bin:$PATH
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/packages packages
COPY --from=build /app/examples examples
# The image's unprivileged user; nothing here is written at run time.
USER node
# Exec form, so that SIGTERM reaches the worker itself and it can finish what it runs.
CMD ["lovage", "worker", "-A", "./examples/02-two-processes/tasks.ts", "-c", "8"]
