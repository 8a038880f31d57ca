# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that say who signs in to Azure."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(azure)."""

    DOCUMENTATION = r"""
options:
  auth_source:
    description:
      - Where the sign-in comes from.
      - V(auto) takes each value from the options, else from the profile that O(profile) names, else from the
        environment, else from the profile V(default) in C(~/.azure/credentials), and uses the Azure CLI when nobody
        is named anywhere.
      - V(env) and V(credential_file) take only the environment or the file besides the options.
      - V(cli) uses the account with which C(az login) was run on the controller.
      - V(msi) uses the managed identity of the controller. With O(client_id), the user-assigned one.
      - Defaults to the environment variable E(ANSIBLE_AZURE_AUTH_SOURCE), else V(auto).
      - In all sign-in options and variables an empty value counts as not given.
    type: str
    choices: [auto, cli, env, credential_file, msi]
  profile:
    description:
      - Section of C(~/.azure/credentials) to take values from. They count before the environment.
      - The cmdlet's parameter C(-DefaultProfile).
      - Defaults to the environment variable E(AZURE_PROFILE).
    type: str
    aliases: [default_profile]
  subscription_id:
    description:
      - Id of the subscription of the host pool.
      - Defaults to the environment variable E(AZURE_SUBSCRIPTION_ID), the profile, or the subscription of the Azure
        CLI. With V(msi) as O(auth_source), to the only subscription that the identity sees.
    type: str
  client_id:
    description:
      - Application (client) id of a service principal, or of a user-assigned managed identity.
      - Defaults to the environment variable E(AZURE_CLIENT_ID).
    type: str
  secret:
    description:
      - Client secret of the service principal.
      - Defaults to the environment variable E(AZURE_SECRET).
    type: str
  tenant:
    description:
      - Tenant id or domain of the service principal or user.
      - Defaults to the environment variable E(AZURE_TENANT), else E(AZURE_TENANT_ID).
    type: str
  ad_user:
    description:
      - User principal name of a user who signs in with a password. Multi-factor authentication rules this out.
      - Defaults to the environment variable E(AZURE_AD_USER).
    type: str
  password:
    description:
      - Password of O(ad_user).
      - Defaults to the environment variable E(AZURE_PASSWORD).
    type: str
  cloud_environment:
    description:
      - The cloud. V(AzureCloud), V(AzureChinaCloud), V(AzureUSGovernment), or the https URL of a cloud's metadata,
        that is of its Resource Manager.
      - Defaults to the environment variable E(AZURE_CLOUD_ENVIRONMENT), else V(AzureCloud).
      - Certificates are trusted as the environment variables E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) or
        E(SSL_CERT_FILE) say.
    type: str
  adfs_authority_url:
    description:
      - Authority to sign in at, instead of the cloud's own.
      - Defaults to the environment variable E(AZURE_ADFS_AUTHORITY_URL).
    type: str
  cert_validation_mode:
    description:
      - Whether to check the certificates of Azure's endpoints.
      - Defaults to the environment variable E(AZURE_CERT_VALIDATION_MODE), else V(validate).
    type: str
    choices: [validate, ignore]
  x509_certificate_path:
    description:
      - File with the certificate and private key (PEM) of the service principal.
      - Defaults to the environment variable E(AZURE_X509_CERTIFICATE_PATH).
    type: path
  thumbprint:
    description:
      - SHA-1 thumbprint that the certificate in O(x509_certificate_path) must have. Checked when it is given.
      - Defaults to the environment variable E(AZURE_THUMBPRINT).
    type: str
  oidc_token:
    description:
      - Federated token (JWT) of a workload identity.
      - Defaults to the environment variable E(AZURE_FEDERATED_TOKEN).
    type: str
  oidc_token_file_path:
    description:
      - File with the federated token of a workload identity. It is read again for each sign-in.
      - Defaults to the environment variable E(AZURE_FEDERATED_TOKEN_FILE).
    type: path
  disable_instance_discovery:
    description:
      - Whether to sign in without asking Microsoft's public list whether the authority is known.
      - Defaults to the environment variable E(AZURE_DISABLE_INSTANCE_DISCOVERY), else to V(true) for a cloud that was
        named by its metadata URL and V(false) for the others.
    type: bool
requirements:
  - azure-mgmt-desktopvirtualization >= 2.0.0 on the controller
  - azure-identity >= 1.17.0 on the controller
notes:
  - The names of options and environment variables are those of P(azure.azcollection.azure_rm_resource#module), so the
    Azure credential of AWX and automation controller works as it is.
  - Nothing here has been run against Azure itself yet. It is tested against a simulation of Azure Resource Manager
    that answers as recordings of the real one show.
"""
