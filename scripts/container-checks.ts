/** One line of a Dockerfile: `COPY`, and what follows it. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** What a `FROM` begins. */
export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The part of docker-compose.yml that is checked. */
export interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
}

export interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Readonly<Record<string, unknown>>;
}

/** What the files are checked against: the repository, or a test's idea of one. */
export interface Repository {
  exists(path: string): boolean;
  /** Commands on the image's PATH. */
  readonly commands: readonly string[];
  /** npm scripts of the root package. */
  readonly scripts: readonly string[];
  /** Folders of the npm workspaces. */
  readonly workspaces: readonly string[];
}

/** Reads a Dockerfile's stages. Knows comments and continued lines; here-documents are not used here. */
export function parseDockerfile(text: string): readonly Stage[] {
  const joined = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n/g, ' ');
  const lines = joined.split('\n').filter((line) => line.trim() !== '');
  const stages: { image: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [name = '', ...rest] = line.trim().split(/\s+/);
    if (name === 'FROM') stages.push({ image: rest[0] ?? '', name: rest[2], instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text: rest.join(' ') });
  }
  return stages;
}

/** What is wrong with a compose file, a sentence each. */
export function composeProblems(compose: Compose, repository: Repository): readonly string[] {
  return Object.entries(compose.services).flatMap(([name, service]) =>
    [
      ...imageProblems(service),
      ...portProblems(service),
      ...commandProblems(service.command ?? [], repository),
      ...dependencyProblems(service, compose),
      ...volumeProblems(service, compose),
    ].map((problem) => `${name}: ${problem}`),
  );
}

/** What is wrong with a Dockerfile, a sentence each. */
export function dockerfileProblems(stages: readonly Stage[], repository: Repository): readonly string[] {
  return [
    ...stages.flatMap((stage) => tagProblems(stage.image)),
    ...copyProblems(stages, repository),
    ...npmProblems(stages, repository),
    ...manifestProblems(stages, repository),
    ...runtimeProblems(stages.at(-1), repository),
  ];
}

function imageProblems({ image, build }: Service): readonly string[] {
  if (build !== undefined) return [];
  return image === undefined ? ['has neither an image nor a build'] : tagProblems(image);
}

function tagProblems(image: string): readonly string[] {
  const [, tag = 'latest'] = image.split(':');
  return tag === 'latest' ? [`${image} names no version`] : [];
}

function portProblems({ ports = [] }: Service): readonly string[] {
  return ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `port ${port} is open to the network`);
}

function commandProblems(command: readonly string[], repository: Repository): readonly string[] {
  const [program, ...args] = command;
  const unknown =
    program === undefined || repository.commands.includes(program) ? [] : [`there is no command ${program}`];
  const paths = args.filter((arg) => arg.startsWith('./'));
  return [...unknown, ...paths.filter((path) => !repository.exists(path)).map((path) => `there is no file ${path}`)];
}

function dependencyProblems({ depends_on = {} }: Service, { services }: Compose): readonly string[] {
  return Object.entries(depends_on).flatMap(([name, { condition }]) => {
    const wanted = services[name];
    if (!wanted) return [`depends on ${name}, which is no service`];
    const blind = condition === 'service_healthy' && !wanted.healthcheck;
    return blind ? [`waits for ${name} to be healthy, which has no health check`] : [];
  });
}

function volumeProblems(service: Service, compose: Compose): readonly string[] {
  const names = (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '');
  return names.filter((name) => !(name in (compose.volumes ?? {}))).map((name) => `volume ${name} is not declared`);
}

function copyProblems(stages: readonly Stage[], repository: Repository): readonly string[] {
  return stages.flatMap((stage, index) =>
    stage.instructions
      .filter(({ name }) => name === 'COPY')
      .flatMap(({ text }) => {
        const from = /--from=(\S+)/.exec(text)?.[1];
        if (from !== undefined) {
          const known = stages.slice(0, index).some((earlier) => earlier.name === from);
          return known ? [] : [`COPY --from=${from} names no stage before it`];
        }
        return sourcesOf(text)
          .filter((path) => !repository.exists(path))
          .map((path) => `COPY: there is no ${path}`);
      }),
  );
}

function sourcesOf(copy: string): readonly string[] {
  return copy
    .split(' ')
    .filter((word) => !word.startsWith('--'))
    .slice(0, -1);
}

function npmProblems(stages: readonly Stage[], repository: Repository): readonly string[] {
  const runs = stages.flatMap((stage) => stage.instructions).filter(({ name }) => name === 'RUN');
  const scripts = runs.flatMap(({ text }) => [...text.matchAll(/npm run (\S+)/g)].map(([, script = '']) => script));
  return scripts
    .filter((script) => !repository.scripts.includes(script))
    .map((script) => `there is no npm script ${script}`);
}

/** `npm ci` refuses to run, or silently leaves a workspace out, when one of its manifests is missing. */
function manifestProblems(stages: readonly Stage[], repository: Repository): readonly string[] {
  const instructions = stages.flatMap((stage) => stage.instructions);
  const install = instructions.findIndex(({ name, text }) => name === 'RUN' && text.startsWith('npm ci'));
  const copied = instructions
    .slice(0, install)
    .filter(({ name }) => name === 'COPY')
    .flatMap(({ text }) => sourcesOf(text));
  const wanted = repository.workspaces.map((workspace) => `${workspace}/package.json`);
  return wanted.filter((manifest) => !copied.includes(manifest)).map((manifest) => `npm ci runs without ${manifest}`);
}

function runtimeProblems(stage: Stage | undefined, repository: Repository): readonly string[] {
  const last = (name: string): string | undefined => stage?.instructions.findLast((found) => found.name === name)?.text;
  const user = last('USER');
  const command = last('CMD') ?? '';
  return [
    ...(user === undefined || user === 'root' ? ['the image runs as root'] : []),
    ...(command.startsWith('[') ? commandProblems(JSON.parse(command), repository) : ['CMD is not in exec form']),
  ];
}
