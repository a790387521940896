import { afterEach, describe, expect, it } from "vitest";

import { at, basePath, place, serverPath } from "./address";
import { tabStorage } from "./tab-storage";

function under(folder: string): void {
  document.head.querySelector("base")?.remove();
  const base = document.createElement("base");
  base.href = folder;
  document.head.append(base);
}

afterEach(() => document.head.querySelector("base")?.remove());

describe("addresses", () => {
  it("are below the root of the host", () => {
    expect(basePath()).toBe("/");
    expect(at("/api/jobs?limit=1").href).toBe(`${window.location.origin}/api/jobs?limit=1`);
    expect(serverPath(at("/api/jobs"))).toBe("/api/jobs");
  });

  it("are below the page's sub-path, once", () => {
    under("/studio/clippy/");
    expect(place("/api/image/17?w=64")).toBe("/studio/clippy/api/image/17?w=64");
    expect(place("/studio/clippy/image/17?v=a")).toBe("/studio/clippy/image/17?v=a");
    expect(serverPath(at("/api/admin/queues"))).toBe("/api/admin/queues");
  });

  it("never lead to another host", () => {
    expect(at("//evil.example/x").origin).toBe(window.location.origin);
  });
});

describe("the storage of a tab", () => {
  it("is its own, and the initial state of the next tab", () => {
    tabStorage.setItem("x", "mine");
    localStorage.setItem("x", "another tab's");
    expect(tabStorage.getItem("x")).toBe("mine");
    sessionStorage.clear();
    expect(tabStorage.getItem("x")).toBe("another tab's");
  });
});
