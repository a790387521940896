import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useSession } from "@/state/session";

import { address, addressWithTicket, keepTickets, useTickets } from "./tickets";

const asked: string[] = [];
let answer: (key: string) => Response;

const ticket = (name: string, seconds = 600) =>
  new Response(
    JSON.stringify({ ticket: name, expires_at: "2026-01-01T00:00:00Z", expires_in: seconds }),
    { status: 200 },
  );

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  answer = (key) => ticket(`for-${key}`);
  vi.stubGlobal("fetch", (input: Request) => {
    const key = input.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    asked.push(`${input.method} ${new URL(input.url).pathname} ${key}`);
    return Promise.resolve(answer(key));
  });
});
afterEach(async () => {
  useSession.getState().setKey("key", "", false);
  useSession.getState().setKey("adminKey", "", false);
  await vi.advanceTimersByTimeAsync(0);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

keepTickets();

describe("tickets", () => {
  it("are not requested without a key", async () => {
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(asked).toEqual([]);
    expect(await addressWithTicket("/api/jobs/events?ids=a")).toBe("/api/jobs/events?ids=a");
  });

  it("stand in for the key in addresses, and are renewed before they end", async () => {
    useSession.getState().setKey("key", "se cret", true);
    expect(useTickets.getState().ready).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(asked).toEqual(["POST /api/tickets se cret"]);
    expect(await addressWithTicket("/api/jobs/events?ids=a")).toBe(
      "/api/jobs/events?ids=a&ticket=for-se%20cret",
    );
    await vi.advanceTimersByTimeAsync(7 * 60_000);
    expect(asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(asked.length).toBe(2);
  });

  it("belong to the admin key, or to the other key when the admin key is refused", async () => {
    answer = (key) =>
      key === "wrong" ? new Response("{}", { status: 401 }) : ticket(`for-${key}`);
    useSession.getState().setKey("adminKey", "wrong", false);
    useSession.getState().setKey("key", "right", false);
    await vi.advanceTimersByTimeAsync(10);
    expect(useTickets.getState()).toMatchObject({ ready: true, ticket: "for-right" });
  });

  it("are requested again after the server was unavailable", async () => {
    answer = () => new Response("", { status: 503 });
    useSession.getState().setKey("key", "k", false);
    await vi.advanceTimersByTimeAsync(10);
    expect(useTickets.getState()).toMatchObject({ ready: false, ticket: null });
    answer = (key) => ticket(`for-${key}`);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(useTickets.getState()).toMatchObject({ ready: true, ticket: "for-k" });
  });

  it("are dropped with the key", async () => {
    useSession.getState().setKey("key", "k", false);
    await vi.advanceTimersByTimeAsync(10);
    useSession.getState().setKey("key", "", false);
    await vi.advanceTimersByTimeAsync(10);
    expect(useTickets.getState()).toMatchObject({ ready: true, ticket: null });
    expect(address("/api/image/1", null)).toBe("/api/image/1");
  });
});
