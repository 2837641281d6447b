/** A server in memory, in place of NATS: it delivers at once, again when told to, and fails when told to. */

import { assert } from "@std/assert";
import {
  type Broker,
  BrokerError,
  type DeadLetter,
  type Stored,
} from "../../../lib/lanes/cluster/broker.ts";

type Consumer = Parameters<Broker["consume"]>[1];

interface Message extends Stored {
  readonly subject: string;
  /** How often its next delivery was postponed. */
  worked: number;
}

interface Queue {
  readonly subjects: readonly string[];
  readonly messages: Map<number, Message>;
  readonly ids: Set<string>;
  readonly consumers: Map<string, Consumer>;
  readonly objects: Map<string, Uint8Array>;
}

type Take = Parameters<Broker["take"]>[1];
type Hear = (value: unknown) => unknown;

const MOST_BYTES = 8192;

function matches(pattern: string, subject: string): boolean {
  const [wanted, is] = [pattern, subject].map((text) => text.split("."));
  return wanted!.length === is!.length &&
    wanted!.every((part, at) => part === "*" || part === is![at]);
}

export class FakeServer {
  readonly queues = new Map<string, Queue>();
  readonly letters: DeadLetter[] = [];
  /** The subjects of the stored messages, in order. */
  readonly stored: string[] = [];
  /** The error that storing fails with; undefined if it succeeds. */
  failure: Error | undefined;
  /** Whether the server delivers nothing that is told, asked or handed. */
  isDeaf = false;
  /** Whether no connection reaches the server for now. */
  isCut = false;
  /** Resolve this to lose every connection for good. */
  readonly gone = Promise.withResolvers<BrokerError>();
  readonly #listeners: { readonly pattern: string; readonly hear: Hear }[] = [];
  readonly #takers: { readonly pattern: string; readonly onMessage: Take }[] = [];
  #lastId = 0;

  /** Opens another connection. */
  connect(): Broker {
    const queue = (name: string) => {
      const found = this.queues.get(name);
      assert(found !== undefined, `there is no queue ${name}`);
      return found;
    };
    const isConnected = () => !this.isCut;
    const heard = (subject: string) =>
      this.isDeaf ? [] : this.#listeners.filter(({ pattern }) => matches(pattern, subject));
    return {
      where: "fake://server",
      mostBytes: MOST_BYTES,
      get isConnected() {
        return isConnected();
      },
      gone: this.gone.promise,
      onReconnect() {},
      tell: (subject, value) => {
        for (const { hear } of heard(subject)) hear(structuredClone(value));
      },
      listen: (pattern, hear) => void this.#listeners.push({ pattern, hear }),
      ask: async (subject, value) => {
        const [first] = heard(subject);
        if (first === undefined) throw new Error("nobody answers");
        return structuredClone(await first.hear(structuredClone(value)));
      },
      hand: async (subject, bytes) => {
        await undefined;
        const [taker] = this.#takers.filter(({ pattern }) => matches(pattern, subject));
        if (this.isDeaf || taker === undefined) throw new Error("nobody answers");
        const { promise, resolve } = Promise.withResolvers<void>();
        taker.onMessage({ bytes: Uint8Array.from(bytes), ack: resolve }, subject);
        await promise;
      },
      take: (pattern, onMessage) => void this.#takers.push({ pattern, onMessage }),
      createQueue: (name, subjects) => {
        const nothing = { messages: new Map(), ids: new Set<string>() };
        this.queues.set(name, {
          subjects,
          ...nothing,
          consumers: new Map(),
          objects: new Map(),
        });
        return Promise.resolve();
      },
      removeQueue: async (name) => void await this.queues.delete(name),
      store: (subject, id, bytes) => this.#store(subject, id, bytes),
      refusalOf: ({ message }: Error) =>
        message === "full" ? new BrokerError("fake://server", "it is full", "empty it") : undefined,
      consume: (name, consumer) => {
        const { consumers, messages } = queue(name);
        consumers.set(consumer.name, consumer);
        for (const message of messages.values()) this.#deliver(message, consumer);
        return Promise.resolve({ close: async () => void await consumers.delete(consumer.name) });
      },
      removeConsumer: async (name, consumer) => void await queue(name).consumers.delete(consumer),
      purge: async (name, subject) => {
        const { messages } = await queue(name);
        for (const message of messages.values()) if (message.subject === subject) message.ack();
      },
      putObject: async (name, object, bytes) =>
        void await queue(name).objects.set(object, Uint8Array.from(bytes)),
      getObject: async (name, object) => {
        const bytes = await queue(name).objects.get(object);
        if (bytes === undefined) throw new Error("not there");
        return bytes;
      },
      removeObject: async (name, object) => void await queue(name).objects.delete(object),
      bury: async (letter) => void await this.letters.push(letter),
      close: () => Promise.resolve(),
    };
  }

  async #store(subject: string, id: string, bytes: Uint8Array): Promise<void> {
    await undefined;
    if (this.failure !== undefined) throw this.failure;
    assert(bytes.length <= MOST_BYTES, "larger than a message");
    const found = [...this.queues.values()].find(({ subjects }) =>
      subjects.some((pattern) => matches(pattern, subject))
    );
    assert(found !== undefined, `no queue takes ${subject}`);
    if (found.ids.has(id)) return;
    found.ids.add(id);
    this.stored.push(subject);
    const number = ++this.#lastId;
    const message: Message = {
      id: number,
      subject,
      bytes: Uint8Array.from(bytes),
      worked: 0,
      ack: () => void found.messages.delete(number),
      working: () => void message.worked++,
    };
    found.messages.set(number, message);
    for (const consumer of found.consumers.values()) this.#deliver(message, consumer);
  }

  #deliver(message: Message, { subject, onMessage }: Consumer): void {
    if (matches(subject, message.subject)) onMessage(message);
  }

  /** Delivers again each message that was not acknowledged. */
  redeliver(): void {
    for (const { messages, consumers } of this.queues.values()) {
      for (const message of messages.values()) {
        for (const consumer of consumers.values()) this.#deliver(message, consumer);
      }
    }
  }

  /** How many messages are not acknowledged yet. */
  get waiting(): number {
    return [...this.queues.values()].reduce((sum, { messages }) => sum + messages.size, 0);
  }
}
