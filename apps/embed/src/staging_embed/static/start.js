// The addresses are relative, so that the page works under any mount path.
SwaggerUIBundle({
  url: "schema/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null, // nothing is loaded from elsewhere, nor told to it
});
