# gsas-wgpu in a container:
#   docker build --tag gsas-wgpu .                                 for a CPU: Mesa's lavapipe
#   docker build --tag gsas-wgpu:nvidia --target nvidia .          for an NVIDIA GPU, with the NVIDIA container toolkit on the host
# docs/serving.md says how to run them.

FROM node:22-trixie-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/setup.mjs scripts/
COPY src src
RUN node scripts/setup.mjs build
RUN npm prune --omit=dev --no-audit --no-fund

FROM node:22-trixie-slim AS base
ENV NODE_ENV=production
COPY --from=build /app/package.json /app/
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# Runs and data are mounted here.
WORKDIR /work
EXPOSE 8410
ENTRYPOINT ["node", "/app/dist/cli/main.js"]

# The toolkit mounts the driver and its Vulkan manifest, of which these are the libraries.
FROM base AS nvidia
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libvulkan1 libegl1 libgl1 libx11-6 libxext6 \
 && rm -rf /var/lib/apt/lists/*
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility
USER node

# Debian 13 has Mesa 25, which Dawn needs.
FROM base AS cpu
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libvulkan1 mesa-vulkan-drivers \
 && rm -rf /var/lib/apt/lists/*
USER node
