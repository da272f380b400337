<%@ include file="/WEB-INF/include/site.jspf" %><%
  allowMethods(request, response, "GET");
  redirect(response, "/login");
%>
