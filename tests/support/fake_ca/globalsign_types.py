# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types and operations of GlobalSign's two services, as far as they are used.

:source: ca-connectors §4.10; names, order and what is mandatory as in the published WSDLs of both services.
"""

from __future__ import annotations

from collections.abc import Mapping

ORDER_NS = "https://system.globalsign.com/kb/ws/v2/"
QUERY_NS = "https://system.globalsign.com/kb/ws/v1/"
ORDER_PATH = "/kb/ws/v2/ManagedSSLService"
QUERY_PATH = "/kb/ws/v1/GASService"

_COMMON: Mapping[str, str] = {
    "AuthToken": "UserName? Password?",
    "OrderRequestHeader": "AuthToken?:AuthToken",
    "QueryRequestHeader": "AuthToken?:AuthToken",
    "Error": "ErrorCode? ErrorField? ErrorMessage?",
    "Errors": "Error*:Error",
    "OrderResponseHeader": "SuccessCode Errors?:Errors Timestamp?",
    "QueryResponseHeader": "SuccessCode Errors?:Errors Timestamp?",
    "ValidityPeriod": "Months NotBefore? NotAfter?",
    "Option": "OptionName OptionValue",
    "Options": "Option*:Option",
    "Extension": "Name Value",
    "Extensions": "Extension*:Extension",
    "SANEntry": "SANOptionType SubjectAltName",
    "SANEntries": "SANEntry*:SANEntry",
    "CertificateInfo": "CertificateStatus StartDate EndDate CommonName SerialNumber SubjectName DNSNames?",
    "CACertificate": "CACertType CACert",
    "CACertificates": "CACertificate*:CACertificate",
    "ServerCertificate": "X509Cert PKCS7Cert",
}
ORDER_TYPES: Mapping[str, str] = {
    **_COMMON,
    "ContactInfo": "FirstName LastName Phone Email",
    "PvSealInfo": "AddressLine1? AddressLine2? AddressLine3? PostalCode? Phone? Fax?",
    "OrderRequestParameter": "ProductCode BaseOption? OrderKind Licenses Options?:Options "
    "ValidityPeriod:ValidityPeriod CSR RenewalTargetOrderID? TargetCERT? SpecialInstructions? Coupon? Campaign?",
    "PvOrderRequest": "OrderRequestHeader:OrderRequestHeader OrderRequestParameter:OrderRequestParameter MSSLProfileID "
    "MSSLDomainID SubID? PVSealInfo?:PvSealInfo ContactInfo:ContactInfo SANEntries?:SANEntries Extensions?:Extensions",
    "Fulfillment": "CACertificates?:CACertificates ServerCertificate?:ServerCertificate",
    "BmOrderDetail": "CertificateInfo?:CertificateInfo Fulfillment?:Fulfillment",
    "PvOrderResponse": "OrderResponseHeader:OrderResponseHeader OrderID? PVOrderDetail?:BmOrderDetail",
    "ModifyRequest": "OrderRequestHeader:OrderRequestHeader OrderID ModifyOrderOperation",
    "ModifyResponse": "OrderResponseHeader:OrderResponseHeader",
    "ProfilesRequest": "QueryRequestHeader:QueryRequestHeader MSSLProfileID? VettingLevel? MSSLProfileStatus?",
    "OvProfile": "Country StateOrProvince Locality OrganizationName OrganizationUnit?",
    "OvSealInfo": "StreetAddress1? StreetAddress2? PostalCode? OtherAddressInfo? Telephone? Fax?",
    "BusinessOvInfo": "CreditAgency? OrganizationCode?",
    "OvProfileInfo": "MSSLOVProfile:OvProfile OVSealInfo:OvSealInfo BusinessOVInfo:BusinessOvInfo",
    "ProfileDetail": "MSSLProfileId VettingLevel MSSLPlofileStatus? DocSubmissionDate? PVRecieveDate? HoldEndDate? "
    "RequestDate MSSLOVProfileInfo?:OvProfileInfo",
    "ProfileDetails": "SearchMsslProfileDetail*:ProfileDetail",
    "ProfilesResponse": "QueryResponseHeader:QueryResponseHeader SearchMSSLProfileDetails?:ProfileDetails",
    "DomainsRequest": "QueryRequestHeader?:QueryRequestHeader MSSLProfileID? MSSLDomainID? MSSLDomainName? "
    "MSSLDomainStatus?",
    "DomainDetail": "MSSLDomainID MSSLProfileID MSSLDomainName MSSLDomainStatus? NotBefore? NotAfter? Delete_Date?",
    "DomainDetails": "SearchMsslDomainDetail*:DomainDetail",
    "DomainsResponse": "QueryResponseHeader?:QueryResponseHeader SearchMsslDomainDetails?:DomainDetails",
}
QUERY_TYPES: Mapping[str, str] = {
    **_COMMON,
    "OrderParameter": "CSR DNSNames?",
    "ReIssueRequest": "OrderRequestHeader:OrderRequestHeader OrderParameter:OrderParameter TargetOrderID "
    "HashAlgorithm? Extensions?:Extensions",
    "ReIssueResponse": "OrderResponseHeader:OrderResponseHeader OrderID? TargetOrderID?",
    "OrderQueryOption": "OrderStatus? ReturnOrderOption? ReturnCertificateInfo? ReturnFulfillment? ReturnCACerts? "
    "ReturnOriginalCSR? ReturnPKCS12? ReturnSANEntries?",
    "ByIdRequest": "QueryRequestHeader:QueryRequestHeader OrderID OrderQueryOption?:OrderQueryOption",
    "OrderInfo": "OrderId OriginalOrderIDForRenewal? OriginalOrderIDForReIssue? ProductCode BaseOption? OrderKind "
    "Licenses ExpressOption? ValidityPeriodCustomizeOption? InsuranceOption? GSSupportOption? "
    "RenewalExtentionOption? DomainName OrderDate OrderCompleteDate? OrderCanceledDate? OrderDeactivatedDate? "
    "OrderStatus Price Currency ValidityPeriod:ValidityPeriod SpecialInstructions?",
    "OrderSubInfo": "CSRSkipOrderFlag DNSOrderFlag TrustedOrderFlag P12DeleteStatus P12DeleteDate? VerificationUrl? "
    "SubId",
    "QbFulfillment": "CACertificates?:CACertificates ServerCertificate?:ServerCertificate OriginalCSR? PKCS12Cert?",
    "OrderDetail": "OrderInfo:OrderInfo OrderSubInfo:OrderSubInfo CertificateInfo?:CertificateInfo "
    "SANEntries?:SANEntries Fulfillment?:QbFulfillment",
    "ByIdResponse": "OrderResponseHeader:QueryResponseHeader OrderID? OrderDetail?:OrderDetail",
    "RangeRequest": "QueryRequestHeader:QueryRequestHeader FromDate ToDate OrderQueryOption?:OrderQueryOption",
    "OrderDetails": "OrderDetail*:OrderDetail",
    "RangeResponse": "QueryResponseHeader:QueryResponseHeader FromDate? ToDate? OrderDetails?:OrderDetails",
}
ORDER_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "PVOrder": ("PvOrderRequest", "PvOrderResponse"),
    "ModifyMSSLOrder": ("ModifyRequest", "ModifyResponse"),
    "GetMSSLProfiles": ("ProfilesRequest", "ProfilesResponse"),
    "GetMSSLDomains": ("DomainsRequest", "DomainsResponse"),
}
QUERY_OPERATIONS: Mapping[str, tuple[str, str]] = {
    "ReIssue": ("ReIssueRequest", "ReIssueResponse"),
    "GetOrderByOrderID": ("ByIdRequest", "ByIdResponse"),
    "GetOrderByDateRange": ("RangeRequest", "RangeResponse"),
}
