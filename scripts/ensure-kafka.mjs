// @ts-check
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.mjs';
import { run } from './run.mjs';

export const kafkaVersion = '3.9.1';
const folder = join(homedir(), '.cache', 'lovage', `kafka-${kafkaVersion}`);

/** The broker and what it needs at run time; its own build leaves the logging out. */
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.lovage</groupId><artifactId>kafka-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>ch.qos.reload4j</groupId><artifactId>reload4j</artifactId><version>1.2.25</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** The class path of the broker; undefined where it was not fetched. Java is asked for by {@link ensureKafka}. */
export function findKafka() {
  return existsSync(join(folder, 'ready')) ? join(folder, 'libs', '*') : undefined;
}

/**
 * Sees to it that Kafka's broker is there: its jars from Maven Central, for the machine's Java. No server is started.
 * @returns {Promise<string | undefined>} Undefined when it is there; else one sentence: what is missing and what to do.
 */
export async function ensureKafka() {
  const java = await ensureProgram('java', 'default-jre-headless');
  if (java) return `Kafka needs Java 17 or newer, and apt-get could not install it (${java}).`;
  if (findKafka()) return undefined;
  const maven = await ensureProgram('mvn', 'maven');
  if (maven) return `Kafka's jars come through Maven, and apt-get could not install it (${maven}).`;
  console.log(`lovage: fetching Kafka ${kafkaVersion} for the tests.`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pom.xml'), pom);
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies';
  const file = join(folder, 'pom.xml');
  const fetched = await run('mvn', ['-q', '-B', '-f', file, `-DoutputDirectory=${join(folder, 'libs')}`, goal], {
    capture: true,
  });
  if (fetched.code !== 0) {
    const why = fetched.output.split('\n').find((line) => line.includes('[ERROR]')) ?? 'no reason given';
    return `Kafka's jars could not be fetched with Maven (${why.trim()}).`;
  }
  writeFileSync(join(folder, 'ready'), `${kafkaVersion}\n`);
  return undefined;
}

/**
 * @param {string} program
 * @param {string} debian The package that has it.
 */
async function ensureProgram(program, debian) {
  const flag = program === 'java' ? '-version' : '--version';
  const there = async () => (await run(program, [flag], { capture: true })).code === 0;
  if (await there()) return undefined;
  const problem = await aptInstall(debian);
  return (await there()) ? undefined : (problem ?? `${program} is not on the path`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problem = await ensureKafka();
  if (problem) console.error(`lovage: ${problem}`);
  process.exitCode = problem ? 1 : 0;
}
