// The vendored file brings no types; the package of the same release does.
export { default } from "uplot";
