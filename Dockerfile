# The operator's image: Node.js with the libraries that it is linked to, the program with its dependencies, and nothing else: no shell, no
# package manager. It runs as user 65532 and writes nothing, so that its root file system can be read-only.
#
#   docker build --tag kestraflow-operator .
#
# NODE_IMAGE has node and npm, and Debian's tools; any image of the same Node.js line will do. To pin it by digest:
#   docker build --build-arg NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:... .
ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# Optional is only a Node.js for machines that have an old one.
RUN npm ci --ignore-scripts --omit=optional --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json --sourceMap false --incremental false --tsBuildInfoFile null \
    && npm prune --ignore-scripts --omit=dev --omit=optional --no-audit --no-fund
COPY LICENSE ./
# The same sources give the same files, byte for byte, times included.
ARG SOURCE_DATE_EPOCH=0
RUN mkdir -p /image/app /image/etc /image/usr/local/bin \
    && cp -a package.json LICENSE dist node_modules /image/app/ \
    && rm -rf /image/app/node_modules/.bin /image/app/node_modules/.package-lock.json /image/app/node_modules/.cache \
    && find /image/app/node_modules -type f \( -name '*.ts' -o -name '*.map' -o -name '*.md' \) -delete \
    && find /image/app -depth -type d -empty -delete \
    && cp "$(command -v node)" /image/usr/local/bin/node \
    && ldd /image/usr/local/bin/node | grep -o '/[^ ]*' | xargs -I{} cp --parents --dereference {} /image \
    && echo 'operator:x:65532:65532::/:/nonexistent' > /image/etc/passwd \
    && echo 'operator:x:65532:' > /image/etc/group \
    && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
    && chmod -R u=rwX,go=rX /image \
    && find /image -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM scratch
COPY --from=build /image/ /
# What malloc keeps for itself after a burst of work: up to 30 MB less with one arena for all threads, and 20 MB less when blocks of a
# page and more, such as Kestra's answers, are mapped one by one and so go back to the system at once (docs/benchmarks.md).
# No more than 16,384 blocks are: the kernel ends a process's mappings at 65,530, and V8 needs some of them.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4096 MALLOC_MMAP_MAX_=16384
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/node", "/app/dist/main.js"]
CMD ["run"]
LABEL org.opencontainers.image.title="kestraflow-operator" \
      org.opencontainers.image.licenses="Apache-2.0"
