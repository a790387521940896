/** Numbers, times and names as text. */

export function percent(value: number): string {
  return `${Math.round(value * 100)}%`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** What a number of things is called: "board" for one, else "boards". */
export function noun(value: number, one: string, many = `${one}s`): string {
  return value === 1 ? one : many;
}

/** A number of things, such as "1 board" and "2 boards". */
export function plural(value: number, one: string, many?: string): string {
  return `${count(value)} ${noun(value, one, many)}`;
}

/** How many of a number of things, such as "2 of 3 pictures" and "0 of 1 picture". */
export function outOf(some: number, all: number, one: string, many?: string): string {
  return `${count(some)} of ${plural(all, one, many)}`;
}

/** The same for a unit that the server names, which is a plural such as "pictures". */
export function progressOf(done: number, total: number, unit: string): string {
  return outOf(done, total, unit.replace(/s$/, ""), unit).trimEnd();
}

/** The beginning of a text, of at most so many characters: none of them is cut in two. */
export function shortened(value: string, most: number): string {
  return [...value].slice(0, most).join("");
}

/** The ending of a picture's file name. */
export function endingOf(mediaType: string): string {
  return mediaType === "image/jpeg" ? "jpg" : "png";
}

/** A size of files. */
export function bytes(value: number): string {
  if (value < 1000) return plural(value, "byte");
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  const unit = ["", "kB", "MB", "GB", "TB"][power] ?? "";
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

/** A tag or a style as words. */
export function words(tag: string): string {
  return tag.replaceAll("_", " ").trim();
}

export function seconds(value: number): string {
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function ago(at: string, now: number): string {
  const passed = Math.max(0, (now - Date.parse(at)) / 1000);
  if (Number.isNaN(passed)) return "";
  if (passed < 45) return "just now";
  if (passed < 5400) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 129_600) return `${Math.round(passed / 3600)} h ago`;
  return new Date(at).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

export function took(
  from: string | null | undefined,
  until: string | null | undefined,
): string | null {
  if (!from || !until) return null;
  const passed = (Date.parse(until) - Date.parse(from)) / 1000;
  if (!Number.isFinite(passed)) return null;
  return passed < 10 ? `${Math.max(0.1, passed).toFixed(1)} s` : seconds(passed);
}
