import { describe, expect, it } from "vitest";

import { keyFor, useSession } from "@/state/session";

import { isNotFound, isTransient, messageOf, needsKey, problemOf, Unreachable } from "./problem";
import { isOutdated } from "./reachability";

describe("problems", () => {
  it("are read from problem JSON", () => {
    const body = { status: 429, code: "over_budget", title: "No", detail: "Come back at midnight" };
    expect(problemOf(429, JSON.stringify(body), "60")).toMatchObject({
      status: 429,
      code: "over_budget",
      message: "Come back at midnight",
      retryAfter: 60,
    });
  });

  it("are told apart by their code", () => {
    const withCode = (code: string) => problemOf(400, JSON.stringify({ code }), null);
    expect(["unauthorized", "forbidden", "not_found"].map(withCode).map(needsKey)).toEqual([
      true,
      true,
      false,
    ]);
    expect(["not_found", "conflict"].map(withCode).map(isNotFound)).toEqual([true, false]);
    const codes = ["unavailable", "overloaded", "timeout", "internal"];
    expect(codes.map(withCode).map(isTransient)).toEqual([true, true, true, false]);
  });

  it("of a proxy, which knows no codes, are told apart by their status", () => {
    const html = (status: number) => problemOf(status, "<html>", null);
    expect(messageOf(html(502))).toBe("The server answered with status 502.");
    expect([401, 403, 404].map(html).map(needsKey)).toEqual([true, true, false]);
    expect(isNotFound(html(404))).toBe(true);
    expect([html(503), html(400), new Unreachable()].map(isTransient)).toEqual([true, false, true]);
  });
});

describe("a failure", () => {
  const passed = (error: unknown, after: number) => isOutdated(error, Date.now() + after);
  it("is outdated once the server answers again, if the call might succeed then", () => {
    expect(passed(new Unreachable(), 1)).toBe(true);
    expect(passed(problemOf(503, "", null), 1)).toBe(true);
    expect(passed(problemOf(422, "", null), 1)).toBe(false);
    expect(passed(new Error("not a picture"), 1)).toBe(false);
  });
  it("of a later outage is not", () => {
    expect(passed(new Unreachable(), -1000)).toBe(false);
    expect(isOutdated(new Unreachable(), 0)).toBe(false);
  });
});

describe("the artist", () => {
  it("is the same at the next visit", () => {
    expect(localStorage.getItem("clippy.session")).toContain(useSession.getState().artist);
  });
});

describe("keys", () => {
  it("belong to this tab, unless the browser is to keep them", () => {
    useSession.getState().setKey("adminKey", " root ", false);
    useSession.getState().setKey("key", "k", true);
    expect(useSession.getState()).toMatchObject({ adminKey: "root", key: "k" });
    expect(localStorage.getItem("clippy.session")).not.toContain("root");
    expect(sessionStorage.getItem("clippy.keys")).toBe('{"key":"","adminKey":"root"}');
    useSession.getState().setKey("adminKey", "", false);
    expect(sessionStorage.getItem("clippy.keys")).toBeNull();
  });

  it("that another tab removed are not written back", async () => {
    useSession.getState().setKey("key", "k", true);
    const stored = localStorage.getItem("clippy.session") ?? "";
    localStorage.setItem("clippy.session", stored.replace('"key":"k"', '"key":""'));
    window.dispatchEvent(new StorageEvent("storage", { key: "clippy.session" }));
    await Promise.resolve();
    useSession.getState().setTheme("dark");
    expect(useSession.getState().key).toBe("");
    expect(localStorage.getItem("clippy.session")).not.toContain('"key":"k"');
  });

  it("are sent to the routes that they open", () => {
    const keys = { key: "k", adminKey: "a" };
    expect(
      ["/api/admin/queues", "/api/jobs/1", "/api/search/hybrid"].map((path) => keyFor(path, keys)),
    ).toEqual(["a", "a", "k"]);
    expect(keyFor("/api/admin/queues", { key: "k", adminKey: "" })).toBe("k");
    expect(keyFor("/api/facets", { key: "", adminKey: "" })).toBe("");
  });
});
