/** The look of a note above the results. */
export const NOTE = [
  "mb-3 rounded-md bg-well px-3 py-2 text-[0.8125rem]",
  "landscape-phone:mb-2 landscape-phone:py-1.5 landscape-phone:text-xs",
].join(" ");
