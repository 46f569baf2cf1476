# The image of one app: docker build --build-arg APP=gateway -t parley-gateway .
# APP is the name of a folder of apps/, or certs. What the steps do is in tools/image/build-app.mjs, which runs without
# Docker too.

# What npm needs, alone: a change of the sources then leaves the layer with the packages as it is.
FROM node:26-slim AS manifests
WORKDIR /src
COPY . .
RUN mkdir /manifests \
 && cp --parents package.json package-lock.json .npmrc apps/*/package.json libs/*/package.json tools/*/package.json /manifests

FROM node:26-slim AS build
WORKDIR /src
COPY --from=manifests /manifests ./
# Not `npm ci`, for the reason given in tools/bootstrap.mjs; the versions are the locked ones.
RUN --mount=type=cache,target=/root/.npm npm install --no-save --include=dev
COPY . .
ARG APP
RUN --mount=type=cache,target=/root/.npm node tools/image/build-app.mjs "$APP" /out

FROM node:26-slim
ARG APP
ENV NODE_ENV=production
# One heap of glibc for all threads: see tools/local-stack/src/services.ts.
ENV MALLOC_ARENA_MAX=1
WORKDIR /app/apps/$APP
# A new volume gets the owner of the folder it is mounted on: here the certificates are written, by the user below.
RUN install --directory --owner=node --group=node --mode=700 \
    /certs /certs/ca /certs/gateway /certs/contact /certs/flow-catalog /certs/session /certs/channel
# Owned by root: the app cannot change itself.
COPY --from=build /out /app
USER node
STOPSIGNAL SIGTERM
CMD ["node", "--enable-source-maps", "--max-semi-space-size=16", "--heap-growing-percent=30", "--no-parallel-scavenge", "dist/main.js"]
