"""Checks manifests on stdin against the schemas of Kubernetes (kubernetes-validate) and the CRD in the file named."""
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSION = "1.33"


def strict(schema):
    """As the API server prunes them: fields that a structural schema does not name are errors here."""
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for value in schema.values():
            strict(value)
    elif isinstance(schema, list):
        for value in schema:
            strict(value)
    return schema


def schemas_of(crd):
    for version in crd["spec"]["versions"]:
        schema = strict(version["schema"]["openAPIV3Schema"])
        # The CRD leaves the metadata of objects open.
        schema["properties"]["metadata"] = {"type": "object"}
        yield f"{crd['spec']['group']}/{version['name']}", schema


def main():
    with open(sys.argv[1]) as file:
        crd = yaml.safe_load(file)
    custom = dict(schemas_of(crd))
    count = 0
    for manifest in yaml.safe_load_all(sys.stdin):
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        try:
            if manifest["kind"] == crd["spec"]["names"]["kind"]:
                jsonschema.validate(manifest, custom[manifest["apiVersion"]])
            else:
                kubernetes_validate.validate(manifest, VERSION, strict=True)
        except jsonschema.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            sys.exit(f"{name}: {where}: {error.message}")
        count += 1
        print(f"{name}: valid")
    if count == 0:
        sys.exit("no manifests")


main()
