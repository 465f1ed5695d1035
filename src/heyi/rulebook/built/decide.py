NAMES = ('data.personal', 'data.special', 'act.action', 'act.delivery', 'consent.given', 'consent.guardian', 'legal_day', 'data.genetic', 'recipient.abroad', 'recipient.foreign_control', 'recipient.foreign_share', 'genetic.reported', 'data.national', 'recipient.kind', 'act.purpose', 'data.health', 'evidence.ethics_exempt', 'subjects.min_age', 'pay.commercial', 'approval.ethics_committee', 'handler.ciio', 'handler.persons', 'border.general_persons', 'border.sensitive_persons', 'border.mechanism', 'border.exemption', 'evidence.publication_review', 'act.min_cell', 'genetic.sequenced', 'approval.health_authority', 'pay.for_data', 'genetic.licence', 'data.origin', 'requester.care', 'requester.records_role', 'recipient.same_handler', 'basis.kind', 'basis.law_cited', 'approval.holder', 'evidence.authority_document', 'evidence.insurance_contract', 'evidence.contract', 'evidence.risk_assessment', 'data.secret', 'data.level', 'consent.withdrawn', 'evidence.notice', 'act.within_notice', 'consent.separate', 'handler.minor_rules', 'evidence.export_notice', 'border.listed', 'act.automated', 'evidence.impact_assessment', 'data.prescriber_totals', 'requester.member', 'approval.data_committee', 'approval.county_office', 'data.anonymised', 'pay.registered', 'pay.balanced')


def masks(values):
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, v16, v17, v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v32, v33, v34, v35, v36, v37, v38, v39, v40, v41, v42, v43, v44, v45, v46, v47, v48, v49, v50, v51, v52, v53, v54, v55, v56, v57, v58, v59, v60, = values
    f = u = m = t = g = r = 0
    if (v0 is not False and not (v1 is not None and not (not v1.isdisjoint(frozenset(('hiv',))))) and (v2 in {'publish', None} or v3 in {'open', None}) and not v4 and not v5 and not (v6 < 732371)):
        if (v0 and (v1 is not None and not v1.isdisjoint(frozenset(('hiv',)))) and ((v2 in {'publish'}) or (v3 in {'open'})) and (v4 is False) and (v5 is False) and (v6 >= 732371)): f |= 1
        else: u |= 1
    if (v7 in {'information', None} and (v8 is not False or v9 is not False or not (v10 < 50)) and not (v2 in {'pay'}) and not (v6 < 737895)):
        if ((v7 in {'information'}) and (v8 or v9 or (v10 >= 50)) and (v2 is not None and v2 not in {'pay'}) and (v6 >= 737895)): f |= 2
        else: u |= 2
    if v11: m |= 2
    if (v12 in {'core', None} and not (v2 in {'pay'}) and not (v6 < 738034)):
        if ((v12 in {'core'}) and (v2 is not None and v2 not in {'pay'}) and (v6 >= 738034)): f |= 4
        else: u |= 4
    if (v13 in {'foreign_judicial', None} and not (v6 < 738034)):
        if ((v13 in {'foreign_judicial'}) and (v6 >= 738034)): f |= 8
        else: u |= 8
    if (v14 in {'research', None} and (v0 is not False or v15 is not False) and (not v16 or (v0 is not False and (v15 is not False or not (v17 >= 14))) or v18 is not False or not (v6 >= 738569)) and not (v6 < 738569)):
        if ((v14 in {'research'}) and (v0 or v15) and ((v16 is False) or (v0 and (v15 or (v17 < 14))) or v18 or (v6 < 738569)) and (v6 >= 738569)): f |= 16
        else: u |= 16
    if v19 == 'given': g |= 16
    elif v19 == 'refused': r |= 16
    if (v8 is not False and not (v2 in {'pay'}) and (v12 in {'important', None} or (v0 is not False and (v20 is not False or not (v21 < 1000000) or not (v22 < 100000) or not (v23 < 10000)))) and not (v6 < 738399) and not (v6 > 738966)):
        if (v8 and (v2 is not None and v2 not in {'pay'}) and ((v12 in {'important'}) or (v0 and (v20 or (v21 >= 1000000) or (v22 >= 100000) or (v23 >= 10000)))) and (v6 >= 738399) and (v6 <= 738966)): f |= 32
        else: u |= 32
    if (v24 in {'assessment'}): m |= 32
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and not v20 and ((v0 is not False and (v15 is not False or not (v17 >= 14))) or (not (v22 < 0) and not (v6 < 738095) and not (v6 >= 738967)) or (not (v22 < 100000) and not (v6 < 738967))) and ((not (v22 < 1000000) and not (v6 < 738967)) or (not (v23 < 10000) and not (v6 < 738967))) and (not (v25 in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or not (v6 >= 738967)) and not (v6 < 738967)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and (v20 is False) and ((v0 and (v15 or (v17 < 14))) or ((v22 >= 0) and (v6 >= 738095) and (v6 < 738967)) or ((v22 >= 100000) and (v6 >= 738967))) and (((v22 >= 1000000) and (v6 >= 738967)) or ((v23 >= 10000) and (v6 >= 738967))) and ((v25 is not None and v25 not in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or (v6 < 738967)) and (v6 >= 738967)): f |= 64
        else: u |= 64
    if (v24 in {'assessment'}): m |= 64
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and not v20 and ((v0 is not False and (v15 is not False or not (v17 >= 14))) or (not (v22 < 0) and not (v6 < 738095) and not (v6 >= 738967)) or (not (v22 < 100000) and not (v6 < 738967))) and not (v22 >= 1000000) and not (v23 >= 10000) and (not (v25 in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or not (v6 >= 738967)) and not (v6 < 738967)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and (v20 is False) and ((v0 and (v15 or (v17 < 14))) or ((v22 >= 0) and (v6 >= 738095) and (v6 < 738967)) or ((v22 >= 100000) and (v6 >= 738967))) and (v22 < 1000000) and (v23 < 10000) and ((v25 is not None and v25 not in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or (v6 < 738967)) and (v6 >= 738967)): f |= 128
        else: u |= 128
    if (v24 in {'assessment', 'certification', 'contract'}): m |= 128
    if ((v2 in {'publish', None} or (v3 in {'open', None} and not (v2 in {'pay'}))) and not (v6 < 737972)):
        if (((v2 in {'publish'}) or ((v3 in {'open'}) and (v2 is not None and v2 not in {'pay'}))) and (v6 >= 737972)): f |= 256
        else: u |= 256
    if v26: m |= 256
    if ((v0 is not False or v15 is not False) and v3 in {'aggregate', 'open', None} and not (v2 in {'pay'}) and not (v6 < 737972)):
        if ((v0 or v15) and (v3 in {'aggregate', 'open'}) and (v2 is not None and v2 not in {'pay'}) and (v6 >= 737972)): f |= 512
        else: u |= 512
    if (v27 >= 5): m |= 512
    if (v7 in {'information', None} and (v8 is not False or v9 is not False or not (v10 < 50)) and not (v2 in {'pay'}) and not (v28 <= 500) and not (v6 < 738702)):
        if ((v7 in {'information'}) and (v8 or v9 or (v10 >= 50)) and (v2 is not None and v2 not in {'pay'}) and (v28 > 500) and (v6 >= 738702)): f |= 1024
        else: u |= 1024
    if v29 == 'given': g |= 1024
    elif v29 == 'refused': r |= 1024
    if (v7 in {'information', 'material', None} and not (v2 in {'pay'}) and (not (v14 in {'treatment'}) or not (v6 >= 737241)) and not (v6 < 737241)):
        if ((v7 in {'information', 'material'}) and (v2 is not None and v2 not in {'pay'}) and ((v14 is not None and v14 not in {'treatment'}) or (v6 < 737241)) and (v6 >= 737241)): f |= 2048
        else: u |= 2048
    if v4: m |= 2048
    if (v7 in {'information', 'material', None} and v30 is not False and not (v6 < 737241)):
        if ((v7 in {'information', 'material'}) and v30 and (v6 >= 737241)): f |= 4096
        else: u |= 4096
    if (v7 in {'information', 'material', None} and (v8 is not False or v9 is not False or not (v10 < 50)) and not (v2 in {'pay'}) and not v31 and (not (v14 in {'treatment'}) or not (v6 >= 737241)) and not (v6 < 737241)):
        if ((v7 in {'information', 'material'}) and (v8 or v9 or (v10 >= 50)) and (v2 is not None and v2 not in {'pay'}) and (v31 is False) and ((v14 is not None and v14 not in {'treatment'}) or (v6 < 737241)) and (v6 >= 737241)): f |= 8192
        else: u |= 8192
    if (v0 is not False and not (v1 is not None and not (not v1.isdisjoint(frozenset(('hiv', 'infectious', 'std',))))) and v32 in {'emergency', 'reporting', None} and not (v14 in {'public_health', 'treatment'}) and not (v6 < 739495)):
        if (v0 and (v1 is not None and not v1.isdisjoint(frozenset(('hiv', 'infectious', 'std',)))) and (v32 in {'emergency', 'reporting'}) and (v14 is not None and v14 not in {'public_health', 'treatment'}) and (v6 >= 739495)): f |= 16384
        else: u |= 16384
    if (v0 is not False and v32 in {'care', None} and v2 in {'access', None} and v3 in {'identifiable', None} and not v33 and not v34 and (not (v14 in {'research', 'teaching'}) or not (v6 >= 735234)) and (not (v13 in {'patient'}) or not (v6 >= 735234)) and (not (v14 in {'insurance', 'litigation'}) or v35 is not False or not (v6 >= 735234)) and (not (v36 in {'law', 'statutory'}) or not v37 or not (v6 >= 738095)) and not (v6 < 735234)):
        if (v0 and (v32 in {'care'}) and (v2 in {'access'}) and (v3 in {'identifiable'}) and (v33 is False) and (v34 is False) and ((v14 is not None and v14 not in {'research', 'teaching'}) or (v6 < 735234)) and ((v13 is not None and v13 not in {'patient'}) or (v6 < 735234)) and ((v14 is not None and v14 not in {'insurance', 'litigation'}) or v35 or (v6 < 735234)) and ((v36 is not None and v36 not in {'law', 'statutory'}) or (v37 is False) or (v6 < 738095)) and (v6 >= 735234)): f |= 32768
        else: u |= 32768
    if (v0 is not False and v32 in {'care', None} and v3 in {'deidentified', 'enclave', 'identifiable', None} and v14 in {'research', 'teaching', None} and (not v35 or (not v33 and not v34)) and not (v6 < 735234)):
        if (v0 and (v32 in {'care'}) and (v3 in {'deidentified', 'enclave', 'identifiable'}) and (v14 in {'research', 'teaching'}) and ((v35 is False) or ((v33 is False) and (v34 is False))) and (v6 >= 735234)): f |= 65536
        else: u |= 65536
    if v38 == 'given': g |= 65536
    elif v38 == 'refused': r |= 65536
    if (v0 is not False and v32 in {'care', None} and v14 in {'insurance', 'litigation', None} and not v35 and not (v13 in {'patient'}) and (not (v14 in {'insurance'}) or not (v13 in {'government'}) or not (v36 in {'statutory'}) or not v37 or not (v6 >= 737911)) and not (v6 < 735234)):
        if (v0 and (v32 in {'care'}) and (v14 in {'insurance', 'litigation'}) and (v35 is False) and (v13 is not None and v13 not in {'patient'}) and ((v14 is not None and v14 not in {'insurance'}) or (v13 is not None and v13 not in {'government'}) or (v36 is not None and v36 not in {'statutory'}) or (v37 is False) or (v6 < 737911)) and (v6 >= 735234)): f |= 131072
        else: u |= 131072
    if v39: m |= 131072
    if (v0 is not False and v32 in {'care', None} and v14 in {'insurance', None} and v13 in {'insurer', None} and not (v6 < 735234)):
        if (v0 and (v32 in {'care'}) and (v14 in {'insurance'}) and (v13 in {'insurer'}) and (v6 >= 735234)): f |= 262144
        else: u |= 262144
    if (v40 and v4): m |= 262144
    if (v0 is not False and not (v1 is not None and not (not v1.isdisjoint(frozenset(('psychiatric',))))) and (v2 in {'publish', None} or v3 in {'open', None}) and (not (v36 in {'statutory'}) or not v37 or not (v6 >= 734989)) and not (v6 < 734989)):
        if (v0 and (v1 is not None and not v1.isdisjoint(frozenset(('psychiatric',)))) and ((v2 in {'publish'}) or (v3 in {'open'})) and ((v36 is not None and v36 not in {'statutory'}) or (v37 is False) or (v6 < 734989)) and (v6 >= 734989)): f |= 524288
        else: u |= 524288
    if ((v0 is not False or v12 in {'important', None}) and v2 in {'entrust', 'provide', None} and not v35 and not (v13 in {'patient'}) and (not (v32 in {'reporting'}) or not (v14 in {'public_health'}) or not (v13 in {'government'}) or not (v36 in {'statutory'}) or not v37 or not (v6 >= 739495)) and not (v6 < 739252)):
        if ((v0 or (v12 in {'important'})) and (v2 in {'entrust', 'provide'}) and (v35 is False) and (v13 is not None and v13 not in {'patient'}) and ((v32 is not None and v32 not in {'reporting'}) or (v14 is not None and v14 not in {'public_health'}) or (v13 is not None and v13 not in {'government'}) or (v36 is not None and v36 not in {'statutory'}) or (v37 is False) or (v6 < 739495)) and (v6 >= 739252)): f |= 1048576
        else: u |= 1048576
    if v41: m |= 1048576
    if ((v0 is not False or v12 in {'important', None}) and v2 in {'entrust', 'provide', None} and not v35 and not (v13 in {'patient'}) and not (v6 < 739252)):
        if ((v0 or (v12 in {'important'})) and (v2 in {'entrust', 'provide'}) and (v35 is False) and (v13 is not None and v13 not in {'patient'}) and (v6 >= 739252)): f |= 2097152
        else: u |= 2097152
    if (v12 in {'important', None} and v2 in {'entrust', 'joint', 'provide', None} and (not (v36 in {'statutory'}) or not v37 or not (v6 >= 739252)) and not (v6 < 739252)):
        if ((v12 in {'important'}) and (v2 in {'entrust', 'joint', 'provide'}) and ((v36 is not None and v36 not in {'statutory'}) or (v37 is False) or (v6 < 739252)) and (v6 >= 739252)): f |= 4194304
        else: u |= 4194304
    if v42: m |= 4194304
    if (v12 in {'important', None} and not (v2 in {'pay'}) and not (v6 < 739252)):
        if ((v12 in {'important'}) and (v2 is not None and v2 not in {'pay'}) and (v6 >= 739252)): f |= 8388608
        else: u |= 8388608
    if (v12 in {'important', None} and v8 is not False and not (v2 in {'pay'}) and not (v6 < 739252)):
        if ((v12 in {'important'}) and v8 and (v2 is not None and v2 not in {'pay'}) and (v6 >= 739252)): f |= 16777216
        else: u |= 16777216
    if (v24 in {'assessment'}): m |= 16777216
    if (v43 is not False and not (v2 in {'pay'}) and not (v6 < 739252)):
        if (v43 and (v2 is not None and v2 not in {'pay'}) and (v6 >= 739252)): f |= 33554432
        else: u |= 33554432
    if (v36 in {'consent', None} and v4 is not False and not (v6 < 738095)):
        if ((v36 in {'consent'}) and v4 and (v6 >= 738095)): f |= 67108864
        else: u |= 67108864
    if (v36 in {'contract', None} and v14 in {'insurance', 'treatment', None} and not (v6 < 738095)):
        if ((v36 in {'contract'}) and (v14 in {'insurance', 'treatment'}) and (v6 >= 738095)): f |= 134217728
        else: u |= 134217728
    if (v36 in {'statutory', None} and v37 is not False and not (v6 < 738095)):
        if ((v36 in {'statutory'}) and v37 and (v6 >= 738095)): f |= 268435456
        else: u |= 268435456
    if (v36 in {'emergency', None} and v14 in {'public_health', 'treatment', None} and not (v6 < 738095)):
        if ((v36 in {'emergency'}) and (v14 in {'public_health', 'treatment'}) and (v6 >= 738095)): f |= 536870912
        else: u |= 536870912
    if (v36 in {'news', None} and v2 in {'publish', None} and v14 in {'public_health', None} and not (v6 < 738095)):
        if ((v36 in {'news'}) and (v2 in {'publish'}) and (v14 in {'public_health'}) and (v6 >= 738095)): f |= 1073741824
        else: u |= 1073741824
    if (v36 in {'public', None} and not (v44 < 1 or v44 > 1) and not (v6 < 738095)):
        if ((v36 in {'public'}) and (v44 == 1) and (v6 >= 738095)): f |= 2147483648
        else: u |= 2147483648
    if (v36 in {'law', None} and v37 is not False and not (v6 < 738095)):
        if ((v36 in {'law'}) and v37 and (v6 >= 738095)): f |= 4294967296
        else: u |= 4294967296
    if (v0 is not False and v36 in {'none', None} and v14 in {'research', 'statistics', None} and v2 in {'access', 'compute', None} and v3 in {'aggregate', 'enclave', 'federated', None} and not (v6 < 738095)):
        if (v0 and (v36 in {'none'}) and (v14 in {'research', 'statistics'}) and (v2 in {'access', 'compute'}) and (v3 in {'aggregate', 'enclave', 'federated'}) and (v6 >= 738095)): f |= 8589934592
        else: u |= 8589934592
    if v19 == 'given': g |= 8589934592
    elif v19 == 'refused': r |= 8589934592
    if (v0 is not False and v36 in {'consent', None} and v45 is not False and not (v6 < 738095)):
        if (v0 and (v36 in {'consent'}) and v45 and (v6 >= 738095)): f |= 17179869184
        else: u |= 17179869184
    if (v0 is not False and (not (v36 in {'emergency'}) or not (v14 in {'treatment'}) or not (v6 >= 738095)) and not (v6 < 738095)):
        if (v0 and ((v36 is not None and v36 not in {'emergency'}) or (v14 is not None and v14 not in {'treatment'}) or (v6 < 738095)) and (v6 >= 738095)): f |= 34359738368
        else: u |= 34359738368
    if (v46 and v47): m |= 34359738368
    if (v0 is not False and v36 in {'consent', None} and v2 in {'provide', None} and not v35 and not (v13 in {'patient'}) and not (v6 < 738095)):
        if (v0 and (v36 in {'consent'}) and (v2 in {'provide'}) and (v35 is False) and (v13 is not None and v13 not in {'patient'}) and (v6 >= 738095)): f |= 68719476736
        else: u |= 68719476736
    if v48: m |= 68719476736
    if (v0 is not False and v2 in {'provide', None} and not v35 and not (v13 in {'patient'}) and not (v6 < 738095)):
        if (v0 and (v2 in {'provide'}) and (v35 is False) and (v13 is not None and v13 not in {'patient'}) and (v6 >= 738095)): f |= 137438953472
        else: u |= 137438953472
    if (v0 is not False and (v2 in {'publish', None} or v3 in {'open', None}) and v36 in {'consent', 'none', None} and not (v6 < 738095)):
        if (v0 and ((v2 in {'publish'}) or (v3 in {'open'})) and (v36 in {'consent', 'none'}) and (v6 >= 738095)): f |= 274877906944
        else: u |= 274877906944
    if v48: m |= 274877906944
    if (v0 is not False and (v15 is not False or not (v17 >= 14)) and v36 in {'consent', None} and not (v6 < 738095)):
        if (v0 and (v15 or (v17 < 14)) and (v36 in {'consent'}) and (v6 >= 738095)): f |= 549755813888
        else: u |= 549755813888
    if v48: m |= 549755813888
    if (v0 is not False and v36 in {'consent', None} and not (v17 >= 14) and not (v6 < 738095)):
        if (v0 and (v36 in {'consent'}) and (v17 < 14) and (v6 >= 738095)): f |= 1099511627776
        else: u |= 1099511627776
    if v5: m |= 1099511627776
    if (v0 is not False and not (v17 >= 14) and not (v6 < 738095)):
        if (v0 and (v17 < 14) and (v6 >= 738095)): f |= 2199023255552
        else: u |= 2199023255552
    if v49: m |= 2199023255552
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and ((v0 is not False and (v15 is not False or not (v17 >= 14))) or v20 is not False or (not (v22 < 0) and not (v6 < 738095) and not (v6 >= 738967)) or (not (v22 < 100000) and not (v6 < 738967))) and (not (v25 in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or not (v6 >= 738967)) and not (v6 < 738095)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and ((v0 and (v15 or (v17 < 14))) or v20 or ((v22 >= 0) and (v6 >= 738095) and (v6 < 738967)) or ((v22 >= 100000) and (v6 >= 738967))) and ((v25 is not None and v25 not in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or (v6 < 738967)) and (v6 >= 738095)): f |= 4398046511104
        else: u |= 4398046511104
    if (v24 in {'assessment', 'certification', 'contract'}): m |= 4398046511104
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and not (v6 < 738095)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and (v6 >= 738095)): f |= 8796093022208
        else: u |= 8796093022208
    if v50: m |= 8796093022208
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and v36 in {'consent', None} and not (v6 < 738095)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and (v36 in {'consent'}) and (v6 >= 738095)): f |= 17592186044416
        else: u |= 17592186044416
    if v48: m |= 17592186044416
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and v20 is not False and (not (v25 in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or not (v6 >= 738967)) and not (v6 < 738095)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and v20 and ((v25 is not None and v25 not in {'contract', 'emergency', 'ftz', 'hr', 'overseas'}) or (v6 < 738967)) and (v6 >= 738095)): f |= 35184372088832
        else: u |= 35184372088832
    if (v24 in {'assessment'}): m |= 35184372088832
    if (v0 is not False and v13 in {'foreign_judicial', None} and not (v6 < 738095)):
        if (v0 and (v13 in {'foreign_judicial'}) and (v6 >= 738095)): f |= 70368744177664
        else: u |= 70368744177664
    if (v0 is not False and v8 is not False and not (v2 in {'pay'}) and v51 is not False and not (v6 < 738095)):
        if (v0 and v8 and (v2 is not None and v2 not in {'pay'}) and v51 and (v6 >= 738095)): f |= 140737488355328
        else: u |= 140737488355328
    if (((v0 is not False and (v15 is not False or not (v17 >= 14))) or (v0 is not False and (v52 is not False or v2 in {'entrust', 'provide', 'publish', None} or (v8 is not False and not (v2 in {'pay'}))))) and not (v6 < 738095)):
        if (((v0 and (v15 or (v17 < 14))) or (v0 and (v52 or (v2 in {'entrust', 'provide', 'publish'}) or (v8 and (v2 is not None and v2 not in {'pay'}))))) and (v6 >= 738095)): f |= 281474976710656
        else: u |= 281474976710656
    if v53: m |= 281474976710656
    if (((v0 is not False and (v15 is not False or not (v17 >= 14))) or (v0 is not False and (v52 is not False or v2 in {'entrust', 'provide', 'publish', None} or (v8 is not False and not (v2 in {'pay'}))))) and not (v6 < 738095)):
        if (((v0 and (v15 or (v17 < 14))) or (v0 and (v52 or (v2 in {'entrust', 'provide', 'publish'}) or (v8 and (v2 is not None and v2 not in {'pay'}))))) and (v6 >= 738095)): f |= 562949953421312
        else: u |= 562949953421312
    if (v54 is not False and (v18 is not False or v14 in {'marketing', None}) and not (v6 < 735557)):
        if (v54 and (v18 or (v14 in {'marketing'})) and (v6 >= 735557)): f |= 1125899906842624
        else: u |= 1125899906842624
    if (v0 is not False and not (v44 < 5 or v44 > 5) and v3 in {'deidentified', 'enclave', 'identifiable', 'open', None} and (not (v14 in {'treatment'}) or not v33 or v2 in {'publish', None} or v3 in {'open', None} or not (v6 >= 738095)) and (not (v36 in {'law', 'statutory'}) or not v37 or not (v6 >= 738095)) and (not (v13 in {'patient'}) or not (v6 >= 738095)) and not (v6 < 738886)):
        if (v0 and (v44 == 5) and (v3 in {'deidentified', 'enclave', 'identifiable', 'open'}) and ((v14 is not None and v14 not in {'treatment'}) or (v33 is False) or (v2 in {'publish'}) or (v3 in {'open'}) or (v6 < 738095)) and ((v36 is not None and v36 not in {'law', 'statutory'}) or (v37 is False) or (v6 < 738095)) and ((v13 is not None and v13 not in {'patient'}) or (v6 < 738095)) and (v6 >= 738886)): f |= 2251799813685248
        else: u |= 2251799813685248
    if (v0 is not False and not (v44 < 4) and v3 in {'identifiable', None} and v13 in {'company', 'public', 'university', None} and not v55 and (not (v14 in {'treatment'}) or not v33 or not (v6 >= 738095)) and (not (v36 in {'law', 'statutory'}) or not v37 or not (v6 >= 738095)) and not (v6 < 738886)):
        if (v0 and (v44 >= 4) and (v3 in {'identifiable'}) and (v13 in {'company', 'public', 'university'}) and (v55 is False) and ((v14 is not None and v14 not in {'treatment'}) or (v33 is False) or (v6 < 738095)) and ((v36 is not None and v36 not in {'law', 'statutory'}) or (v37 is False) or (v6 < 738095)) and (v6 >= 738886)): f |= 4503599627370496
        else: u |= 4503599627370496
    if (v0 is not False and ((v36 in {'none', None} and v14 in {'research', 'statistics', None}) or v14 in {'ai_training', None} or (not (v44 < 4) and v3 in {'deidentified', 'enclave', 'identifiable', None} and not v35 and v14 in {'marketing', 'quality', 'research', 'statistics', 'teaching', None})) and (not (v36 in {'law', 'statutory'}) or not v37 or not (v6 >= 738095)) and not (v6 < 738886)):
        if (v0 and (((v36 in {'none'}) and (v14 in {'research', 'statistics'})) or (v14 in {'ai_training'}) or ((v44 >= 4) and (v3 in {'deidentified', 'enclave', 'identifiable'}) and (v35 is False) and (v14 in {'marketing', 'quality', 'research', 'statistics', 'teaching'}))) and ((v36 is not None and v36 not in {'law', 'statutory'}) or (v37 is False) or (v6 < 738095)) and (v6 >= 738886)): f |= 9007199254740992
        else: u |= 9007199254740992
    if v56 == 'given': g |= 9007199254740992
    elif v56 == 'refused': r |= 9007199254740992
    if (v13 in {'company', 'university', None} and not v55 and not (v14 in {'treatment'}) and (not (v36 in {'law', 'statutory'}) or not v37 or not (v6 >= 738095)) and not (v6 < 738886)):
        if ((v13 in {'company', 'university'}) and (v55 is False) and (v14 is not None and v14 not in {'treatment'}) and ((v36 is not None and v36 not in {'law', 'statutory'}) or (v37 is False) or (v6 < 738095)) and (v6 >= 738886)): f |= 18014398509481984
        else: u |= 18014398509481984
    if v57 == 'given': g |= 18014398509481984
    elif v57 == 'refused': r |= 18014398509481984
    if (v0 is not False and v3 in {'enclave', 'federated', None} and not (v6 < 738886)):
        if (v0 and (v3 in {'enclave', 'federated'}) and (v6 >= 738886)): f |= 36028797018963968
        else: u |= 36028797018963968
    if ((v27 >= 5) and (v6 >= 738886)): m |= 36028797018963968
    if (not v0 and (v32 in {'operations', None} or v58 is not False or (v2 in {'pay', None} and v14 in {'feedback', None})) and not (v6 < 738886)):
        if ((v0 is False) and ((v32 in {'operations'}) or v58 or ((v2 in {'pay'}) and (v14 in {'feedback'}))) and (v6 >= 738886)): f |= 72057594037927936
        else: u |= 72057594037927936
    if (v2 in {'pay', None} and not (v6 < 738886)):
        if ((v2 in {'pay'}) and (v6 >= 738886)): f |= 144115188075855872
        else: u |= 144115188075855872
    if (v59 and v60): m |= 144115188075855872
    if (v30 is not False and (v2 in {'pay', None} or (v0 is not False and not (v13 in {'patient'}) and (v2 in {'entrust', 'joint', 'provide', 'publish', None} or v13 in {'company', 'insurer', None}))) and not (v6 < 738886)):
        if (v30 and ((v2 in {'pay'}) or (v0 and (v13 is not None and v13 not in {'patient'}) and ((v2 in {'entrust', 'joint', 'provide', 'publish'}) or (v13 in {'company', 'insurer'})))) and (v6 >= 738886)): f |= 288230376151711744
        else: u |= 288230376151711744
    if (v2 in {'pay', None} and not (v6 < 738886)):
        if ((v2 in {'pay'}) and (v6 >= 738886)): f |= 576460752303423488
        else: u |= 576460752303423488
    if v0 is not False:
        if v0: t |= 1
        else: t |= 2
    if not v0:
        if (v0 is False): t |= 4
        else: t |= 8
    return f, u, m, t, g, r


def could(values):
    v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12, v13, v14, v15, v16, v17, v18, v19, v20, v21, v22, v23, v24, v25, v26, v27, v28, v29, v30, v31, v32, v33, v34, v35, v36, v37, v38, v39, v40, v41, v42, v43, v44, v45, v46, v47, v48, v49, v50, v51, v52, v53, v54, v55, v56, v57, v58, v59, v60, = values
    c = 0
    if not (v6 < 738095): c |= 67108864
    if not (v6 < 738095): c |= 134217728
    if not (v6 < 738095): c |= 268435456
    if not (v6 < 738095): c |= 536870912
    if not (v6 < 738095): c |= 1073741824
    if not (v6 < 738095): c |= 2147483648
    if not (v6 < 738095): c |= 4294967296
    if not (v6 < 738095): c |= 8589934592
    if not (v6 < 738886): c |= 72057594037927936
    return c
