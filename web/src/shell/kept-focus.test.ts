import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { keepFocus } from "./kept-focus";

let end: () => void;

beforeEach(() => {
  end = keepFocus();
  document.body.innerHTML = `<header><a href="#">Home</a></header>
    <main id="main" tabindex="-1">
      <ul>
        <li><button>one</button></li>
        <li><button>two</button></li>
        <li><button>three</button></li>
      </ul>
      <p><button disabled>never</button><button>last</button></p>
    </main>`;
});

afterEach(() => {
  end();
  document.body.innerHTML = "";
});

const button = (text: string) =>
  [...document.querySelectorAll("button")].find((one) => one.textContent === text);
const item = (text: string) => button(text)?.closest("li") ?? null;
const focused = () => document.activeElement?.textContent;

/** Focuses a button with the last input by a key or a pointer, and waits for what follows. */
async function after(text: string, input: "keydown" | "pointerdown", change: () => void) {
  button(text)?.focus();
  document.dispatchEvent(new Event(input));
  change();
  await new Promise((resolve) => setTimeout(resolve, 0));
}

describe("the focus of something that is removed", () => {
  it("goes to what follows it", async () => {
    await after("two", "keydown", () => item("two")?.remove());
    expect(focused()).toBe("three");
  });

  it("goes to what is before it, if nothing follows in the same place", async () => {
    await after("three", "keydown", () => item("three")?.remove());
    expect(focused()).toBe("two");
  });

  it("goes past what is removed with it", async () => {
    await after("three", "keydown", () => {
      item("three")?.remove();
      item("two")?.remove();
    });
    expect(focused()).toBe("one");
  });

  it("goes to what replaces it", async () => {
    await after("two", "keydown", () => {
      const form = document.createElement("li");
      form.innerHTML = "<button>new</button>";
      item("two")?.replaceWith(form);
    });
    expect(focused()).toBe("new");
  });

  it("goes beside what is around it, if it was alone", async () => {
    await after("two", "keydown", () => document.querySelector("ul")?.replaceChildren());
    expect(focused()).toBe("last");
  });

  it("goes to the view, if all of it was replaced", async () => {
    await after("two", "keydown", () => document.querySelector("main")?.replaceChildren());
    expect(document.activeElement?.id).toBe("main");
  });

  it("is not moved for those who use a pointer, nor away from where it is", async () => {
    await after("two", "pointerdown", () => item("two")?.remove());
    expect(document.activeElement).toBe(document.body);
    await after("three", "keydown", () => {
      button("last")?.focus();
      item("three")?.remove();
    });
    expect(focused()).toBe("last");
  });
});
