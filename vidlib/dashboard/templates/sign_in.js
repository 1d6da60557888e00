// The address behind the sign-in may name a page or a frame after `#`. A form leaves that out; a redirect keeps it.
const form = document.querySelector("form");
form.action += location.hash;
